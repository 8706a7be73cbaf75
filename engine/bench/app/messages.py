"""The messages between the app's server and a browser: of Streamlit's own, the fields that a user's client needs.

The engine knows no Streamlit, so they are written down here by number and built with protobuf; a field that is not
named here is skipped while reading. A test compares every number with the Streamlit that is installed.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessages

PACKAGE = "casebind.app"
# message → field → (number, kind): a kind is string, bool, int32, uint32 or a message; "*" behind it means several
FIELDS: dict[str, dict[str, tuple[int, str]]] = {
    "BackMsg": {"rerun_script": (11, "ClientState")},
    "ClientState": {
        "query_string": (1, "string"),
        "widget_states": (2, "WidgetStates"),
        "page_script_hash": (3, "string"),
        "page_name": (4, "string"),
        "fragment_id": (5, "string"),
    },
    "WidgetStates": {"widgets": (1, "WidgetState*")},
    "WidgetState": {
        "id": (1, "string"),
        "trigger_value": (2, "bool"),
        "string_array_value": (9, "StringArray"),
        "json_trigger_value": (16, "string"),
    },
    "StringArray": {"data": (1, "string*")},
    "ForwardMsg": {
        "metadata": (2, "ForwardMsgMetadata"),
        "new_session": (4, "NewSession"),
        "delta": (5, "Delta"),
        "script_finished": (6, "int32"),
        "page_info_changed": (12, "PageInfo"),
        "navigation": (23, "Navigation"),
    },
    "ForwardMsgMetadata": {"delta_path": (2, "uint32*")},
    "NewSession": {"page_script_hash": (9, "string")},
    "Navigation": {"page_script_hash": (4, "string")},
    "PageInfo": {"query_string": (1, "string")},
    "Delta": {"new_element": (3, "Element"), "fragment_id": (8, "string")},
    "Element": {
        "text": (1, "Text"),
        "exception": (8, "Exception"),
        "button": (19, "Button"),
        "markdown": (29, "Markdown"),
        "alert": (30, "Alert"),
        "heading": (47, "Heading"),
        "html": (54, "Html"),
        "button_group": (55, "ButtonGroup"),
        "bidi_component": (59, "BidiComponent"),
    },
    "Text": {"body": (1, "string")},
    "Markdown": {"body": (1, "string")},
    "Heading": {"body": (3, "string")},
    "Html": {"body": (1, "string")},
    "Alert": {"body": (1, "string"), "format": (2, "int32")},
    "Exception": {"message": (2, "string")},
    "Button": {"id": (1, "string"), "disabled": (8, "bool")},
    "ButtonGroup": {
        "id": (1, "string"),
        "options": (2, "Option*"),
        "default": (3, "uint32*"),
        "disabled": (4, "bool"),
        "set_value": (8, "bool"),
        "raw_values": (14, "string*"),
    },
    "Option": {"content": (1, "string")},
    "BidiComponent": {"id": (1, "string"), "json": (10, "string")},
}
EVENTS_OF = "$$STREAMLIT_INTERNAL_KEY_{id}__events"  # the widget to which what happens in a component is sent
CUT_SHORT, PART_DONE, ALERT_ERROR = 2, 3, 1  # a run that another one replaces; one of a fragment; an alert's format


def _described() -> descriptor_pb2.FileDescriptorProto:
    """Return the table as protobuf describes messages; all fields optional, so that one that is there can be told."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="casebind/app.proto", package=PACKAGE, syntax="proto2")
    for message, fields in FIELDS.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            one = described.field.add(name=name, number=number)
            one.label = kinds.LABEL_REPEATED if kind.endswith("*") else kinds.LABEL_OPTIONAL
            kind = kind.rstrip("*")
            if kind in FIELDS:
                one.type, one.type_name = kinds.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
            else:
                one.type = kinds.Type.Value(f"TYPE_{kind.upper()}")
    return file


def _made() -> dict[str, Any]:
    pool = DescriptorPool()  # of its own: the app in the same process has messages of the same names
    return GetMessages([_described()], pool=pool)


MESSAGES = _made()
BackMsg: Any = MESSAGES[f"{PACKAGE}.BackMsg"]
ForwardMsg: Any = MESSAGES[f"{PACKAGE}.ForwardMsg"]
