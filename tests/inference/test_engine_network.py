"""A network's session: what it takes, what it refuses, and many callers at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from inference.engine import Model, ModelUnfit, Night, Window, network, stage_live, stage_night
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
