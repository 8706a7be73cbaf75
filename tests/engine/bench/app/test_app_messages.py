"""The client's messages are those of the Streamlit that is installed, number for number."""

from __future__ import annotations

import pytest
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto import Alert_pb2, BackMsg_pb2, ForwardMsg_pb2

from engine.bench.app.messages import ALERT_ERROR, CUT_SHORT, EVENTS_OF, FIELDS, PART_DONE, BackMsg, ForwardMsg

SCALARS = {8: "bool", 9: "string", 13: "uint32", 14: "int32"}  # protobuf's type numbers; an enum travels as int32
ROOTS = {"BackMsg": BackMsg_pb2.BackMsg, "ForwardMsg": ForwardMsg_pb2.ForwardMsg}


def _installed(root: str) -> dict[str, object]:
    """Every message that is reached from `root`, by name."""
    found, waiting = {}, [ROOTS[root].DESCRIPTOR]
    while waiting:
        one = waiting.pop()
        if one.name not in found:
            found[one.name] = one
            waiting += [field.message_type for field in one.fields if field.message_type]
    return found


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_field_has_the_number_and_the_kind_that_streamlit_gives_it(name: str) -> None:
    theirs = {**_installed("ForwardMsg"), **_installed("BackMsg")}[name]
    for field, (number, kind) in FIELDS[name].items():
        one = theirs.fields_by_name[field]
        said = one.message_type.name if one.message_type else SCALARS[one.type]
        assert (one.number, said + "*" * one.is_repeated) == (number, kind), field


def test_what_happens_in_a_component_is_sent_where_streamlit_looks_for_it() -> None:
    assert EVENTS_OF.format(id="$$ID-1-cards-ecg") == _make_trigger_id("$$ID-1-cards-ecg", "events")


def test_the_states_of_a_run_and_of_an_alert_are_streamlits() -> None:
    ended = ForwardMsg_pb2.ForwardMsg
    assert (CUT_SHORT, PART_DONE) == (ended.FINISHED_EARLY_FOR_RERUN, ended.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
    assert ALERT_ERROR == Alert_pb2.Alert.ERROR


def test_what_streamlit_writes_is_read_and_the_other_way_round() -> None:
    theirs = ForwardMsg_pb2.ForwardMsg()
    theirs.metadata.delta_path.extend([0, 3])
    theirs.delta.new_element.heading.body = "Map of the collection"
    ours = ForwardMsg.FromString(theirs.SerializeToString())
    assert list(ours.metadata.delta_path) == [0, 3] and ours.delta.new_element.heading.body == "Map of the collection"
    done = ForwardMsg.FromString(ForwardMsg_pb2.ForwardMsg(script_finished=0).SerializeToString())
    assert done.HasField("script_finished") and not done.HasField("delta")  # zero is a state, not the lack of one
    asked = BackMsg()
    asked.rerun_script.widget_states.widgets.add(id="one").string_array_value.data.append("64")
    states = BackMsg_pb2.BackMsg.FromString(asked.SerializeToString()).rerun_script.widget_states
    assert [(one.id, list(one.string_array_value.data)) for one in states.widgets] == [("one", ["64"])]
