import pytest

from tfpt_tui.config.machines import find_machine, find_machines
from tfpt_tui.config.settings import load_settings
from tfpt_tui.errors import MissingError, UsageError

BOX = "[machines.box]\nkind = 'ssh'\nhost = 'me@box'\n"
RAY = "[machines.c]\nkind = 'ray'\nhost = 'head'\n"


@pytest.fixture
def load(tmp_path):
    def load_text(text):
        path = tmp_path / "config.toml"
        path.write_text(text)
        return load_settings(path)

    return load_text


def test_a_machine_is_read_with_what_is_usual_for_the_rest(load):
    (box,) = load(f"{BOX}price_per_hour = 2\ninterpreters = {{ pytorch = '/t/python' }}\n").machines.values()
    assert (box.name, box.kind, box.host, box.command, box.runs) == ("box", "ssh", "me@box", "tfpt-tui", "")
    assert (box.price_per_hour, box.interpreters) == (2.0, {"pytorch": "/t/python"})
    assert load(BOX).prices == {"box": 0.0}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("machines = 3\n", "machines must be tables"),
        ("[machines]\nbox = 3\n", "[machines.box]: must be a table"),
        ("[machines.box]\nkind = 'telnet'\nhost = 'b'\n", "kind must be"),
        ("[machines.box]\nkind = 'ssh'\n", "host must be a host of ssh"),
        ("[machines.box]\nkind = 'ssh'\nhost = '-oProxyCommand=x'\n", "host must be a host of ssh"),
        (f"{BOX}ports = 3\n", "unknown key 'ports'"),
        (f"{BOX}{BOX.replace('box]', 'again]')}", "[machines.again]: records where box does; set runs"),
        (f"{BOX}price_per_hour = 'two'\n", "price_per_hour"),
        (f"{BOX}partition = 'gpu'\n", "partition is of the kind slurm, not ssh"),
        (f"{BOX}resources = {{ gres = 'gpu:1' }}\n", "resources is of the kind slurm or ray, not ssh"),
        (f"{RAY}resources = {{ tfpt_slot = '1' }}\n", "tfpt_slot must be a number above 0, not '1'"),
        (f"{RAY}resources = {{ num_gpus = 0 }}\n", "num_gpus must be a number above 0, not 0"),
        (f"{BOX}address = '10.0.0.1:6379'\n", "address is of the kind ray, not ssh"),
        ("[machines.c]\nkind = 'slurm'\n", "set host, or where this machine is it, runs"),
        ("[machines.c]\nkind = 'ray'\nruns = 'here'\n", "set host, or where this machine is it, runs"),
        (f"{BOX}price_per_hour = -1\n", "price_per_hour must be a number from 0"),
        (f"{BOX}price_per_hour = inf\n", "price_per_hour must be a number from 0"),
        (f"{BOX}command = ' '\n", "command must be what starts tfpt-tui there"),
        (f"{BOX}interpreters = {{ pytorch = 'venv/bin/python' }}\n", "must be the full path of an interpreter"),
        (f"{BOX}interpreters = {{ torch = 'x' }}\n", "unknown framework 'torch'; did you mean 'pytorch'?"),
        (BOX.replace("box]", "here]"), "a machine's name has no comma"),
        (BOX.replace("box]", '"a,b"]'), "a machine's name has no comma"),
        (BOX.replace("box]", '"../x"]'), "a machine's name has no comma"),
    ],
)
def test_a_wrong_machine_is_refused_with_file_table_and_reason(load, tmp_path, text, said):
    with pytest.raises(UsageError) as caught:
        load(text)
    assert str(caught.value).startswith(f"{tmp_path / 'config.toml'}: ")
    assert said in str(caught.value)


def test_machines_are_named_by_commas_each_once_and_here_is_this_one(load):
    known = load(BOX).machines
    assert [(one.name, one.kind) for one in find_machines("here, box,box", known)] == [
        ("here", ""),
        ("box", "ssh"),
    ]
    with pytest.raises(UsageError, match="parted by commas"):
        find_machines("box,,", known)
    with pytest.raises(MissingError, match=r"bix: no such machine; did you mean 'box'\?; describe it under"):
        find_machine("bix", known)
