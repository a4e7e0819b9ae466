import pytest

from tfpt_tui.config.schema import SETTINGS, RunConfig, check_settings, parse_override
from tfpt_tui.errors import UsageError

ASKED = {"framework": "pytorch", "data": "/data"}


def test_defaults_are_those_of_the_design():
    config = RunConfig.from_mapping(ASKED, "here")
    assert (config.image_size, config.batch_size, config.epochs, config.seed) == (32, 32, 20, 25)
    assert (config.learning_rate, config.device, config.precision) == (0.001, "auto", "float32")
    assert (config.cache, config.augment, config.compile) == (False, True, "auto")


def test_a_configuration_survives_the_way_through_a_mapping():
    config = RunConfig.from_mapping({**ASKED, "batch_size": 64, "cache": True}, "here")
    assert RunConfig.from_mapping(config.to_mapping(), "there") == config


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("batch_size", 0, "batch_size must be a whole number from 1 to 65536, not 0"),
        ("batch_size", 65537, "1 to 65536"),
        ("batch_size", "32", "not '32'"),
        ("batch_size", True, "not True"),
        ("batch_size", 32.0, "not 32.0"),
        ("cache", 1, "must be true or false, not 1"),
        ("learning_rate", 0, "greater than 0"),
        ("learning_rate", float("nan"), "greater than 0"),
        ("learning_rate", float("inf"), "greater than 0"),
        ("device", "gpu:", "auto, cpu, gpu or gpu:N"),
        ("device", "GPU", "auto, cpu, gpu or gpu:N"),
        ("precision", "float64", "float32, tf32, bfloat16, float16"),
        ("seed", -1, "0 to 4294967295"),
        ("learning_rate", 10**400, "greater than 0"),
        ("max_steps", 10**19, "0 to 2147483647"),
        ("data", "", "must be"),
    ],
)
def test_a_value_out_of_range_is_refused_with_where_key_and_reason(key, value, said):
    with pytest.raises(UsageError) as caught:
        RunConfig.from_mapping({**ASKED, key: value}, "my.toml: row 2")
    assert str(caught.value).startswith(f"my.toml: row 2: {key} ")
    assert said in str(caught.value)


def test_an_unknown_key_is_refused_with_the_nearest_one():
    with pytest.raises(UsageError, match=r"unknown key 'epoch'; did you mean 'epochs'\?"):
        check_settings({"epoch": 3}, "here")


def test_a_missing_key_is_named():
    with pytest.raises(UsageError, match=r"here: data is missing: directory of a prepared dataset"):
        RunConfig.from_mapping({"framework": "pytorch"}, "here")


def test_a_whole_number_is_a_learning_rate():
    assert RunConfig.from_mapping({**ASKED, "learning_rate": 1}, "here").learning_rate == 1.0


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("batch_size=64", "batch_size", 64),
        (" learning_rate = 1e-4 ", "learning_rate", 1e-4),
        ("cache=true", "cache", True),
        ("augment=False", "augment", False),
        ("device=gpu:1", "device", "gpu:1"),
    ],
)
def test_an_override_is_read_in_the_type_of_its_key(text, key, value):
    assert parse_override(text) == (key, value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("batch_size", "must be key=value"),
        ("batchsize=3", "did you mean 'batch_size'?"),
        ("batch_size=many", "must be a whole number from 1 to 65536, not 'many'"),
        ("batch_size=0", "must be a whole number from 1 to 65536, not 0"),
        ("cache=1", "must be true or false, not '1'"),
        ("learning_rate=fast", "greater than 0"),
    ],
)
def test_a_wrong_override_is_refused_in_one_line(text, said):
    with pytest.raises(UsageError) as caught:
        parse_override(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_setting_explains_itself():
    for setting in SETTINGS.values():
        assert setting.help
        assert setting.allowed


def tuned(**settings):
    row = {"framework": "pytorch", "track": "best", "data": "/data", **settings}
    return RunConfig.from_mapping(row, "here")


def test_a_switch_is_on_by_itself_on_the_track_best_and_off_everywhere_else():
    assert tuned().is_on("channels_last")
    assert not tuned(channels_last="off").is_on("channels_last")
    assert not tuned(track="default").is_on("channels_last")


def test_a_switch_of_the_track_best_is_refused_on_another():
    with pytest.raises(UsageError, match="here: pool_first is a switch of the track best, not of default"):
        tuned(track="default", pool_first="on")


def test_a_switch_that_a_framework_lacks_does_not_apply_to_it():
    assert SETTINGS["channels_last"].applies_to("pytorch", "best")
    assert not SETTINGS["channels_last"].applies_to("tensorflow", "best")
    assert not SETTINGS["channels_last"].applies_to("pytorch", "default")


def test_the_track_best_loads_nothing_and_has_no_cache():
    assert not SETTINGS["num_workers"].applies_to("pytorch", "best")
    with pytest.raises(UsageError, match="cache=true: the track best keeps its images decoded anyway"):
        tuned(cache=True)


def test_workers_are_a_setting_of_pytorch_and_on_the_track_parity_of_both():
    assert SETTINGS["num_workers"].applies_to("pytorch", "default")
    assert not SETTINGS["num_workers"].applies_to("tensorflow", "default")
    assert SETTINGS["num_workers"].applies_to("tensorflow", "parity")
