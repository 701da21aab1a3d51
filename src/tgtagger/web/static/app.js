"use strict";
// What the pages do beside htmx: keys, a field that suggests tags, questions, news of the archive.
// Every page works without this file. The keys and their help are one list, in keys.html.

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// ---- a link of another site brings no strict cookie: what our own page asks for does

try {
  if (!one("[data-again]")) sessionStorage.removeItem("asked-again");
  else if (!sessionStorage.getItem("asked-again")) {
    sessionStorage.setItem("asked-again", "yes");
    location.replace(location.pathname + location.search);
  }
} catch { /* no storage: the token is asked for */ }

// ---- the posts of the page, and which one the keys mean

const posts = () => all("article.post[data-post]");
const isList = () => one("#results") !== null;
const current = () => one("article.post.at") || (isList() ? null : posts()[0] || null);

function goTo(post) {
  if (!post) return;
  all("article.post.at").forEach((other) => other.classList.remove("at"));
  post.classList.add("at");
  post.focus({ preventScroll: true });
  post.scrollIntoView({ block: "nearest" });
}

function step(by) {
  if (!isList()) return one(by > 0 ? "[data-do=older]" : "[data-do=newer]")?.click();
  const found = posts(), at = found.indexOf(current());
  goTo(at < 0 ? found.find((post) => post.getBoundingClientRect().bottom > 80) : found[at + by]);
}

document.addEventListener("focusin", ({ target }) => {
  const post = target.closest?.("article.post[data-post]");
  if (!post || !isList() || post.classList.contains("at")) return;
  all("article.post.at").forEach((other) => other.classList.remove("at"));
  post.classList.add("at");
});

// ---- tags by hand

function type(post) {
  if (!post) return;
  const field = one("#tag input[name=tag]", post);
  if (field) return field.focus();
  closeTyping();
  const form = one("#typing")?.content.firstElementChild.cloneNode(true);
  if (!form) return;
  form.setAttribute("hx-post", `/posts/${post.dataset.post}/tags`);
  one(".tags", post).append(form);
  htmx.process(form);
  one("input[name=tag]", form).focus();
}

function closeTyping() {
  all(".tags .typing").forEach((form) => form.remove());
}

function drop(post) {
  const marks = all(".tags button[name=tag]", post || document.createElement("p"));
  const at = marks.indexOf(document.activeElement);
  marks[(at + 1) % marks.length]?.focus();
}

function choose(post, is) {
  const box = post && one("input[name=post]", post);
  if (!box) return;
  box.checked = is ?? !box.checked;
  tellChosen();
}

function tellChosen() {
  const chosen = all("input[name=post]:checked").length, told = one(".many .picks");
  all("article.post[data-post]").forEach((post) => {
    post.classList.toggle("picked", one("input[name=post]", post)?.checked === true);
  });
  if (told) told.textContent = chosen ? `${chosen} ${told.dataset.one}` : "";
}

function tagChosen() {
  if (!one("input[name=post]:checked")) choose(current(), true);
  if (one("input[name=post]:checked")) one("#picked input[name=tag]").focus();
}

document.addEventListener("change", ({ target }) => target.name === "post" && tellChosen());

function again(post) {
  const button = post && one("[data-do=again]", post);
  if (button) button.click();
  else if (post && one("#picked")) {
    const tags = one(".tags", post);
    htmx.ajax("POST", `/posts/${post.dataset.post}/again`, { source: tags, target: tags, swap: "outerHTML" });
  }
}

// ---- a field that suggests tags: Enter takes the marked one and sends the form

const typed = (field) => field.value.slice(field.value.lastIndexOf(",") + 1).trim();
const offers = (field) => one(".offers", field.parentElement);

function mark(field, option) {
  all("[role=option]", offers(field)).forEach((other) => {
    other.setAttribute("aria-selected", String(other === option));
  });
  if (option) {
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else field.removeAttribute("aria-activedescendant");
}

const marked = (field) => one("[aria-selected=true]", offers(field));

function move(field, by) {
  const options = all("[role=option]", offers(field)), at = options.indexOf(marked(field));
  if (by) mark(field, options.at((at + by) % options.length) || null);
}

function hide(field) {
  offers(field).hidden = true;
  field.setAttribute("aria-expanded", "false");
  mark(field, null);
}

function take(field, option) {
  const before = field.value.slice(0, field.value.lastIndexOf(",") + 1);
  if (option) field.value = (before ? before + " " : "") + option.dataset.value;
  hide(field);
}

function send(field, option) {
  take(field, option);
  const form = field.form;
  field.closest("article.post")?.focus({ preventScroll: true }); // so that the keys work again
  form.requestSubmit(form.id === "picked" ? one("button.first", form) : undefined);
}

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const list = detail.target;
  if (!list.classList?.contains("offers")) return;
  const field = one("input", list.parentElement);
  const asked = new URL(detail.pathInfo.finalRequestPath, location.href).searchParams.get("tag") || "";
  list.dataset.asked = asked;
  if (document.activeElement !== field || asked !== field.value) return;
  list.hidden = !list.children.length;
  field.setAttribute("aria-expanded", String(!list.hidden));
  mark(field, typed(field) ? one("[role=option]", list) : null);
  move(field, Number(field.dataset.steps || 0));
  delete field.dataset.steps;
  if (field.dataset.waits) { delete field.dataset.waits; send(field, marked(field)); }
});

document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (!field.matches?.(".combo input")) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const by = event.key === "ArrowDown" ? 1 : -1;
    if (offers(field).dataset.asked === field.value) move(field, by);
    else field.dataset.steps = Number(field.dataset.steps || 0) + by; // the answer is on its way
  } else if (event.key === "Enter" && !event.isComposing && typed(field)) {
    if (offers(field).dataset.asked === field.value) send(field, marked(field));
    else { // the answer is on its way: it decides; without one it is taken as typed
      field.dataset.waits = "1";
      setTimeout(() => field.dataset.waits && (delete field.dataset.waits, send(field, null)), 1500);
    }
  } else if (event.key === "Escape") {
    if (!offers(field).hidden && typed(field)) hide(field);
    else leave(field);
  } else return;
  event.preventDefault();
  event.stopPropagation();
});

document.addEventListener("input", ({ target }) => delete target.dataset.steps);

function leave(field) {
  const post = field.closest("article.post");
  hide(field);
  field.blur();
  closeTyping();
  post?.focus({ preventScroll: true });
}

document.addEventListener("mousedown", (event) => {
  const option = event.target.closest(".offers [role=option]");
  if (!option) return;
  event.preventDefault(); // the field keeps the focus
  send(one("input", option.closest(".combo")), option);
});

document.addEventListener("focusout", ({ target }) => target.matches?.(".combo input") && hide(target));

// ---- the focus stays where it was when a part is replaced

let focused = null;
const reachable = (part) => all("a[href], button, input:not([type=hidden]), summary", part);
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const active = document.activeElement, post = active?.closest("article.post[data-post]");
  const isOfPost = post && detail.target.closest("article.post, #post, #results");
  focused = isOfPost ? { post: post.dataset.post }
    : detail.target.contains(active) && detail.target.id ? { part: detail.target.id, at: reachable(detail.target).indexOf(active) }
      : null;
});
document.addEventListener("htmx:afterSettle", () => {
  if (focused === null || document.activeElement !== document.body) return;
  if (focused.post) goTo(one(`article.post[data-post="${focused.post}"]`));
  else reachable(document.getElementById(focused.part) || document.body).slice(0, focused.at + 1).pop()?.focus();
  focused = null;
});

// ---- questions: the server sends a dialog, which is opened here, and closed by an answer

document.addEventListener("htmx:load", ({ target }) => {
  const asked = target.closest?.("dialog[data-modal]") || target.querySelector?.("dialog[data-modal]");
  if (asked && !asked.open) asked.showModal();
});
document.addEventListener("htmx:beforeRequest", ({ target }) => target.closest("dialog")?.close());

document.addEventListener("click", (event) => {
  const close = event.target.closest("dialog [data-close]");
  if (close) { event.preventDefault(); close.closest("dialog").close(); }
  const asked = event.target.closest("[data-do]");
  if (!asked) return;
  if (asked.dataset.do === "tag" && (one("#typing") || one("#tag"))) {
    event.preventDefault();
    type(asked.closest("article.post"));
  } else if (asked.dataset.do === "choose-all") {
    const is = posts().some((post) => !one("input[name=post]", post).checked);
    posts().forEach((post) => choose(post, is));
  } else if (asked.dataset.do === "keys") one("#keys").showModal();
});

// ---- what was told goes after a while, unless somebody is at it

const LONG = 15000;
let toldUntil = Date.now() + LONG;
new MutationObserver(() => { toldUntil = Date.now() + LONG; }).observe(one("#told"), { childList: true });
setInterval(() => {
  const told = one("#told");
  if (told.children.length && Date.now() > toldUntil && !told.matches(":hover, :focus-within")) {
    told.replaceChildren();
  }
}, 1000);

document.addEventListener("htmx:sendError", () => {
  const said = document.createElement("div");
  said.textContent = one("#told").dataset.away;
  one("#told").replaceChildren(said);
});

// ---- keys: by the letter, or by its place on a keyboard of another script

const ACTIONS = {
  search: () => { const field = one("[role=search] input"); field.focus(); field.select(); },
  next: () => step(1),
  previous: () => step(-1),
  open: () => current() && one("a.open", current())?.click(),
  tag: () => type(current()),
  choose: () => choose(current()),
  tagChosen,
  drop: () => drop(current()),
  again: () => again(current()),
  undo,
  go: (key) => location.assign(key.dataset.href),
  keys: () => one("#keys").showModal(),
};
// A form that has just come is htmx's a moment later; until then it would load the whole page.
function undo() {
  const form = one("#told form");
  if (!form) return;
  window.htmx?.process(form);
  one("button", form).click();
}

const keys = all("#keys [data-keys]");
let begun = "", begunAt = 0;

function letter(event) {
  const place = /^Key([A-Z])$/.exec(event.code);
  if (/^[a-z]$/i.test(event.key)) return event.key;
  if (place) return event.shiftKey ? place[1] : place[1].toLowerCase();
  if (event.code === "Slash" && !"/?".includes(event.key)) return event.shiftKey ? "?" : "/";
  return event.key;
}

document.addEventListener("keydown", (event) => {
  const at = event.target;
  const isTyping = at.matches?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat && begun) return;
  if (event.key === "Escape" && at.matches?.("[role=search] input")) return at.blur();
  if (isTyping || one("dialog[open]")) return;
  const pressed = letter(event);
  if (pressed.length !== 1) return;
  const whole = begun && Date.now() - begunAt < 2000 ? `${begun} ${pressed}` : pressed;
  begun = "";
  const key = keys.find((item) => item.dataset.keys === whole);
  if (key) {
    event.preventDefault();
    ACTIONS[key.dataset.act](key);
  } else if (keys.some((item) => item.dataset.keys.startsWith(`${pressed} `))) {
    [begun, begunAt] = [pressed, Date.now()];
  }
});

document.addEventListener("keydown", (event) => { // along the marks that take a tag off
  if (!event.target.matches?.(".tags button[name=tag]")) return;
  const marks = all("button[name=tag]", event.target.closest(".tags"));
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (by) marks[(marks.indexOf(event.target) + by + marks.length) % marks.length].focus();
  else if (event.key === "Escape") event.target.closest("article")?.focus();
});

// ---- news: somebody has written to the archive; nothing moves until one asks for it

const news = one("#changed");
let version = news?.dataset.at, isAsking = false, own = 0;

async function look() {
  if (!news || document.hidden || isAsking) return;
  isAsking = true;
  const before = own;
  const { query = "", newest = "" } = one("#results")?.dataset || {};
  try {
    const answer = await fetch(`/live?${new URLSearchParams({ at: version, query, newest })}`);
    if (answer.status === 200 && own === before) { // what one does oneself is no news
      const told = await answer.json();
      if (version && told.text) { one("a", news).textContent = told.text; news.hidden = false; }
      if (version) document.body.dispatchEvent(new Event("archive-changed"));
      version = told.at;
    }
  } catch { /* the server is away: the next look tells */ } finally { isAsking = false; }
}
if (news) {
  setInterval(look, 1000);
  document.addEventListener("visibilitychange", look);
  for (const name of ["htmx:beforeRequest", "htmx:afterRequest"]) {
    document.addEventListener(name, ({ detail }) => {
      if (detail.requestConfig.verb !== "get") { own += 1; version = ""; }
    });
  }
}
all("button[data-do][hidden]").forEach((button) => { button.hidden = false; });
tellChosen();
const place = one(".top nav [aria-current]"); // a phone shows but a part of the nav
if (place) place.parentElement.scrollLeft = place.offsetLeft - place.parentElement.offsetLeft - 40;
