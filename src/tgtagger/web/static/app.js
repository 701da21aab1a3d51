"use strict";
// Questions: the server sends a dialog, which is opened here, and closed by an answer.
document.addEventListener("htmx:load", (event) => {
  const asked = event.target.closest?.("dialog[data-modal]") || event.target.querySelector?.("dialog[data-modal]");
  if (asked && !asked.open) asked.showModal();
});
document.addEventListener("click", (event) => {
  const close = event.target.closest("dialog [data-close]");
  if (close) { event.preventDefault(); close.closest("dialog").close(); }
});
document.addEventListener("htmx:beforeRequest", (event) => event.target.closest("dialog")?.close());
