"""What is about to start, known without the machine that it will run on."""
