/* written by tgtagger: searches the posts in the files beside it; nothing leaves this machine */
"use strict";
(() => {
  const most = 20; // at once
  const letters = 6; // of a word that the index knows; the first two name its file (site_search.py)
  const said = document.getElementById("said");
  const list = document.getElementById("found");
  const query = (new URLSearchParams(location.search).get("q") || "").trim();
  const plain = (text) => text.toLowerCase().replaceAll("ё", "е");
  const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  // A word is found at the beginning of one: "rock" finds "rockets".
  const terms = (plain(query).match(/"[^"]+"|[^\s"]+/g) || []).map((term) => term.replaceAll('"', "").trim()).filter(Boolean);
  const patterns = terms.map((term) => new RegExp(
    `(${/^[\p{L}\p{N}_]/u.test(term) ? "^|[^\\p{L}\\p{N}_]" : ""})(${escaped(term).replace(/\s+/g, "\\s+")})`, "gu"));
  document.querySelector("input[type=search]").value = query;
  if (!terms.length) return;

  /* Read a file beside this page; a script, since a page from a folder may fetch nothing. */
  const load = (file, name) => new Promise((done) => {
    let came = null;
    window[name] = (value) => { came = value; };
    const script = document.createElement("script");
    script.src = `search/${file}.js`;
    script.onload = script.onerror = () => { script.remove(); done(came); };
    document.body.append(script);
  });

  /* Return the numbers of the files with a word that begins so; null: any of them. */
  const placesOf = async (word) => {
    const parts = [...word];
    if (parts.length < 2) return null;
    const shard = parts.slice(0, 2).map((letter) => letter.codePointAt(0).toString(16)).join("-");
    const start = parts.slice(0, letters).join("");
    const places = new Set();
    for (const [known, steps] of Object.entries(await load(`words/${shard}`, "tgtaggerWords") || {})) {
      if (!known.startsWith(start)) continue;
      let place = 0;
      for (const step of steps) places.add(place += step);
    }
    return places;
  };

  const part = (name, text, parent) => {
    const made = document.createElement(name);
    made.textContent = text;
    parent.append(made);
    return made;
  };

  const snippet = (text, parent) => {
    const places = [];
    const folded = plain(text);
    for (const pattern of patterns) for (const match of folded.matchAll(pattern)) places.push([match.index + match[1].length, match[2].length]);
    places.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
    const start = places.length ? Math.max(0, text.lastIndexOf(" ", places[0][0] - 50) + 1) : 0;
    const line = part("span", start ? "…" : "", parent);
    line.className = "what";
    line.dir = "auto";
    let end = start;
    for (const [place, length] of places) {
      if (place < end || place + length > start + 240) continue;
      line.append(text.slice(end, place));
      part("mark", text.slice(place, place + length), line);
      end = place + length;
    }
    line.append(text.slice(end, Math.max(end, start + 240)) + (text.length > start + 240 ? "…" : ""));
  };

  const show = ([folder, page, message, when, text, tags], names) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `channels/${encodeURIComponent(folder)}/${page}.html#p${message}`;
    part("span", `${names[folder]} · ${when}`, link).className = "where";
    snippet(text || tags.join(", "), link);
    item.append(link);
    list.append(item);
  };

  (async () => {
    said.textContent = "Searching …";
    const [names, files] = await load("contents", "tgtaggerContents") || [{}, []];
    let left = files.map((file, at) => at).reverse(); // the newest first
    for (const word of terms.flatMap((term) => term.match(/[\p{L}\p{N}_]+/gu) || [])) {
      const places = await placesOf(word);
      if (places) left = left.filter((at) => places.has(at));
    }
    const more = document.getElementById("more");
    let found = 0;
    let shown = 0;
    const waiting = []; // posts that were found and not asked for yet
    const search = async () => {
      more.hidden = true;
      while (left.length && found < shown + most) {
        said.textContent = `Searching … ${found} found`;
        for (const post of await load(files[left.shift()], "tgtaggerPosts") || []) {
          const all = plain(`${post[4]}\n${post[5].join("\n")}`);
          if (!patterns.every((pattern) => all.search(pattern) >= 0)) continue;
          found += 1;
          waiting.push(post);
        }
      }
      for (const post of waiting.splice(0, most)) {
        show(post, names);
        shown += 1;
      }
      more.hidden = !(left.length || waiting.length);
      const count = more.hidden ? shown || "No" : `The newest ${shown}`;
      said.textContent = `${count} ${shown === 1 ? "post" : "posts"} with ${query}`;
    };
    more.onclick = search;
    await search();
  })();
})();
