"""The bar of a collection: present, quiz, add, share, export, its words, and the ways out."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.report.export_collection import CollectionExportRequest, export_collection
from engine.report.writers import WRITERS
from engine.store.collections import CollectionCase, TeachingCollection
from engine.strings import text
from engine.teaching import access, collections
from pages.collections import state
from pages.shared import fields, permitted, resources
from pages.shared.keys import SCREENS
from pages.shared.link import link
from pages.shared.maker_link import draw_maker_link
from pages.shared.visibility import draw_visibility

KEYS = SCREENS["collections"]
FILES = {  # buttons, in their order → format, and whether labels are hidden
    "pdf": ("pdf", False),
    "blind": ("pdf", True),
    "pptx": ("pptx", False),
    "blind_slides": ("pptx", True),
    "csv": ("csv", False),
}


def draw_collection_bar(collection: TeachingCollection, items: list[CollectionCase], index: int) -> None:
    """Draw the bar while the case of this index is open."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="collection-bar"):
        st.button(text("collections.all"), icon=":material/arrow_back:", key="all", on_click=state.leave)
        st.button(
            text("collections.present"),
            icon=":material/slideshow:",
            key="present",
            type="primary",
            shortcut=KEYS["present"],
            disabled=not items,
            on_click=state.slide,
            args=(index + 1,),
        )
        if permitted.may("teach") and st.button(
            text("collections.quiz"), icon=":material/quiz:", key="make-quiz", disabled=not items
        ):
            st.switch_page("pages/quiz/page.py", query_params={"build": collection.collection_id})
        may_change = collections.may_change(resources.workspace(), collection.collection_id, actor=resources.actor())
        if may_change:
            with st.popover(text("collections.add_title"), icon=":material/add:", key="add-popover"):
                _add(collection)
        with st.popover(text("collections.share"), icon=":material/link:", key="share-popover"):
            _share(collection)
        with st.popover(text("export.title"), icon=":material/download:", disabled=not items, key="export-popover"):
            _export(collection)
        with st.popover(text("collections.edit"), icon=":material/edit:", key="edit-popover"):
            if may_change:
                _words(collection)
            _whole(collection, may_change)


def _share(collection: TeachingCollection) -> None:
    """Draw the link; for its maker also who finds the collection, and the link that lets a maker in elsewhere."""
    which = collection.collection_id
    st.markdown(text("collections.share_help"))
    st.code(link("collections", collection=which), language=None, wrap_lines=True)
    if not access.is_maker(resources.workspace(), which, actor=resources.actor()):
        return
    draw_visibility(f"visibility-{which}", collection.visibility, state.set_visibility, (collection,))
    draw_maker_link(which, lambda key: link("collections", collection=which, key=key))


def _add(collection: TeachingCollection) -> None:
    st.text_input(text("collections.add_id"), key="add-id")
    st.button(text("collections.add_do"), key="add", on_click=state.add, args=(collection,))
    st.page_link("pages/search/page.py", label=text("collections.to_search"), icon=":material/search:")


def _export(collection: TeachingCollection) -> None:
    """Draw a button per file; it is made when its button is pressed."""
    st.markdown(text("collections.export_lead"))
    for name, (format_, hide_labels) in FILES.items():
        wanted = CollectionExportRequest(format_, hide_labels=hide_labels, bom=True)
        writer = WRITERS[wanted.format]
        st.download_button(
            text(f"collections.export_{name}"),
            data=_maker(collection.collection_id, wanted),
            mime=writer.mime,
            file_name=f"casebind-{collection.collection_id}-{name}.{writer.suffix}",
            key=f"export-{name}",
            on_click="ignore",
            help=text(f"collections.export_{name}_help"),
            width="stretch",
        )


def _maker(collection_id: str, wanted: CollectionExportRequest) -> Callable[[], bytes]:
    """Return the function that makes the file when it is called, in a thread of its own."""
    workspace, release = resources.workspace(), resources.release().name
    who = resources.actor_later(resources.actor())
    return lambda: export_collection(workspace, collection_id, wanted, release=release, actor=who()).data


def _words(collection: TeachingCollection) -> None:
    workspace, who, which = resources.workspace(), resources.actor, collection.collection_id
    fields.draw_text_field(
        st.text_input,
        text("collections.new_title"),
        f"title-{which}",
        collection.title,
        lambda words, was: collections.rename(workspace, which, words, was, actor=who()),
    )
    fields.draw_text_field(
        st.text_area,
        text("collections.description"),
        f"about-{which}",
        collection.description,
        lambda words, was: collections.describe(workspace, which, words, was, actor=who()),
        height=110,
    )


def _whole(collection: TeachingCollection, may_change: bool) -> None:
    """Draw what is done to the collection as a whole: a copy of one's own, and by whom may change it the end of it."""
    actions = (("duplicate", "content_copy", state.duplicate), ("delete", "delete", state.delete))
    with st.container(horizontal=True, gap="small"):
        for action, icon, do in actions[: 1 + may_change]:
            st.button(
                text(f"collections.{action}"), icon=f":material/{icon}:", key=action, on_click=do, args=(collection,)
            )
