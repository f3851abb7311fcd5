"""A network's session: what it takes, what it refuses, and many callers at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from inference.engine import (
    Model,
    ModelFailed,
    ModelUnfit,
    Night,
    Window,
    explain,
    network,
    stage_live,
    stage_night,
)
from recordings.grid import MAX_EPOCHS
from tests.inference import drafts
from tests.inference.engine_models import chain, convolutions, graph, model, night

WINDOW = Window(3, 3, 1)


def network_model(**more: Any) -> Model:
    head = network.load(convolutions(3, 4, (4, 4)))
    return model(head, 3, WINDOW, decoder=chain(1), history=10, **more)


def test_eight_callers_at_once_get_what_each_gets_alone() -> None:
    made = network_model()
    drawn = [night(100 + seed, 3, seed) for seed in range(40)]
    alone = [stage_night(made, one).probabilities for one in drawn]

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda one: stage_night(made, one).probabilities, drawn))

    for one, two in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_session_runs_on_one_thread() -> None:
    options = network_model().head.session.get_session_options()

    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)


def test_a_network_that_runs_over_gives_no_stage() -> None:
    tens = numpy_helper.from_array(np.full((3, 4), 10, dtype=np.float32), "tens")
    times_ten = graph([helper.make_node("MatMul", ["columns", "tens"], ["logits"])], 3, 4, [tens])
    made = model(network.load(times_ten), 3, WINDOW, decoder=chain(1), history=10)
    values = np.ones((30, 3), dtype=np.float32)
    values[15] = 3e38

    staged = stage_night(made, Night(values))

    assert staged.is_staged.tolist() == [True] * 15 + [False] + [True] * 14
    assert np.isnan(staged.probabilities[15]).all()
    assert stage_live(made, Night(values[:16]), 1).stages.tolist() == [-1]


@pytest.mark.parametrize("bytes_", [b"", b"not a network", convolutions(3, 4, (4,))[:-200]])
def test_bytes_that_are_no_network_are_refused(bytes_: bytes) -> None:
    with pytest.raises(ModelUnfit, match="cannot be opened"):
        network.load(bytes_)


@pytest.mark.parametrize(("columns", "labels"), [(2, 4), (3, 5)])
def test_a_network_of_other_columns_or_labels_makes_no_model(columns: int, labels: int) -> None:
    head = network.load(convolutions(columns, labels, (4,)))

    with pytest.raises(ModelUnfit, match=r"does not run on|answers"):
        model(head, 3, WINDOW)


def test_a_network_of_one_fixed_length_makes_no_model() -> None:
    weights = numpy_helper.from_array(np.ones((7, 7), dtype=np.float32), "mix")
    mixed = [helper.make_node("MatMul", ["mix", "columns"], ["logits"])]

    with pytest.raises(ModelUnfit, match="does not run on"):
        model(network.load(graph(mixed, 4, 4, [weights])), 4, WINDOW)


def placed(positions: int) -> bytes:
    """Adds to each epoch what a table has of its place."""
    table = np.ones((positions, 4), dtype=np.float32)
    made = [
        helper.make_node("Shape", ["columns"], ["epochs"], start=1, end=2),
        helper.make_node("Squeeze", ["epochs"], ["end"]),
        helper.make_node("Range", ["zero", "end", "one"], ["places"]),
        helper.make_node("Gather", ["table", "places"], ["of_places"]),
        helper.make_node("Add", ["columns", "of_places"], ["logits"]),
    ]
    numbers = [numpy_helper.from_array(np.array(n), name) for n, name in enumerate(("zero", "one"))]
    return graph(made, 4, 4, [numpy_helper.from_array(table, "table"), *numbers])


@pytest.mark.parametrize("positions", [20, MAX_EPOCHS - 1])
def test_a_network_that_takes_no_whole_night_makes_no_model(positions: int) -> None:
    with pytest.raises(ModelUnfit, match=r"does not run on \(1, 2880, 4\)"):
        model(network.load(placed(positions)), 4, WINDOW)


def test_a_network_that_takes_the_longest_night_makes_one() -> None:
    made = model(network.load(placed(MAX_EPOCHS)), 4, WINDOW)

    assert stage_night(made, night(MAX_EPOCHS, 4, 1)).is_staged.any()


def test_a_network_that_takes_no_night_of_one_epoch_makes_no_model() -> None:
    """It mirrors what is beside the first."""
    mirrored = [
        helper.make_node("Transpose", ["columns"], ["turned"], perm=[0, 2, 1]),
        helper.make_node("Pad", ["turned", "sides"], ["wide"], mode="reflect"),
        helper.make_node("AveragePool", ["wide"], ["means"], kernel_shape=[3]),
        helper.make_node("Transpose", ["means"], ["logits"], perm=[0, 2, 1]),
    ]
    sides = numpy_helper.from_array(np.array([0, 0, 1, 0, 0, 1]), "sides")

    with pytest.raises(ModelUnfit, match=r"\(1, 1, 4\)"):
        model(network.load(graph(mirrored, 4, 4, [sides])), 4, WINDOW)


def test_a_network_that_fails_on_a_night_says_so() -> None:
    made = drafts.networked(drafts.network_bytes(fails_from=8))
    whole = drafts.a_night()
    whole.features[20, 1] = 9.0

    for staged in (
        lambda: stage_night(made, whole),
        lambda: stage_live(made, whole, 30),
        lambda: explain(made, whole, 20, "night"),
    ):
        with pytest.raises(ModelFailed, match="does not run on"):
            staged()


def test_a_network_that_answers_fewer_epochs_than_it_was_given_says_so() -> None:
    """Of what is blank it leaves nothing out."""
    some = [
        helper.make_node("ReduceMax", ["columns"], ["most"], axes=[0, 2], keepdims=0),
        helper.make_node("LessOrEqual", ["most", "zero"], ["kept"]),
        helper.make_node("Compress", ["columns", "kept"], ["logits"], axis=1),
    ]
    zero = numpy_helper.from_array(np.zeros(1, np.float32), "zero")
    made = model(network.load(graph(some, 4, 4, [zero])), 4, WINDOW)

    with pytest.raises(ModelFailed, match="answers"):
        stage_night(made, night(30, 4, 1))


def test_a_network_that_answers_with_no_array_makes_no_model() -> None:
    """But with a list of them, or with one that may be missing."""
    value = helper.make_tensor_value_info
    listed = helper.make_graph(
        [helper.make_node("SequenceConstruct", ["columns"], ["logits"])],
        "head",
        [value("columns", TensorProto.FLOAT, ["b", "e", 4])],
        [helper.make_tensor_sequence_value_info("logits", TensorProto.FLOAT, None)],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx = helper.make_model(listed, opset_imports=opsets, ir_version=9).SerializeToString()

    with pytest.raises(ModelUnfit, match="answers"):
        model(network.load(onnx), 4, WINDOW)


def test_a_network_that_answers_in_doubles_makes_no_model() -> None:
    cast = [helper.make_node("Cast", ["columns"], ["logits"], to=TensorProto.DOUBLE)]
    made = helper.make_graph(
        cast,
        "head",
        [helper.make_tensor_value_info("columns", TensorProto.FLOAT, ["b", "e", 4])],
        [helper.make_tensor_value_info("logits", TensorProto.DOUBLE, ["b", "e", 4])],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx = helper.make_model(made, opset_imports=opsets, ir_version=9).SerializeToString()

    with pytest.raises(ModelUnfit, match="float64"):
        model(network.load(onnx), 4, WINDOW)


@pytest.mark.parametrize("word", [b"columns", b"Conv"])
def test_a_network_of_words_that_are_no_text_is_refused(
    word: bytes, capfd: pytest.CaptureFixture
) -> None:
    broken = convolutions(3, 4, (4,)).replace(word, word[:-1] + b"\xff")

    with pytest.raises(ModelUnfit, match="cannot be opened"):
        network.load(broken)

    assert capfd.readouterr().out == ""


def test_two_inputs_make_no_model() -> None:
    value = helper.make_tensor_value_info
    shape = ["b", "e", 4]
    made = helper.make_graph(
        [helper.make_node("Add", ["columns", "more"], ["logits"])],
        "head",
        [value("columns", TensorProto.FLOAT, shape), value("more", TensorProto.FLOAT, shape)],
        [value("logits", TensorProto.FLOAT, shape)],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx = helper.make_model(made, opset_imports=opsets, ir_version=9).SerializeToString()

    with pytest.raises(ModelUnfit, match="one array"):
        model(network.load(onnx), 4, WINDOW)
