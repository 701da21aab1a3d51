/* searches the posts in the files beside it; nothing leaves this machine */
(() => {
  "use strict";
  const most = 20; // at once
  const letters = 6; // of a word that the index knows; the first two name its file (site_search.py)
  const said = document.getElementById("said");
  const list = document.getElementById("found");
  const query = (new URLSearchParams(location.search).get("q") || "").trim();
  const english = new EnglishStemmer();
  const russian = new RussianStemmer();
  const joiners = /[\u00ad\u200d\u2060\ufeff\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u0652\u0670]/g;
  const bare = (letter) => letter.normalize("NFD")[0];
  // As plain() of site_search.py. Each letter stays one, so that a place here is one in the text.
  const plain = (text) => text.replace(/[\u00c0-\u02af\u1e00-\u1eff]/g, (letter) => bare(letter) < "\x80" ? bare(letter) : letter)
    .toLowerCase().replaceAll("ё", "е");
  const words = /[\p{L}\p{N}\p{M}_]+/gu;
  const stem = (word) => /[а-я]/.test(word) ? russian.stemWord(word) : /^[a-z0-9_]+$/.test(word) ? english.stemWord(word) : word;
  const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

  /* Return what a word and its stem begin with: city and cities share "cit". */
  const shared = (word, root) => {
    const end = root.replace(/i$/, "");
    let at = 0;
    while (at < end.length && word[at] === end[at]) at += 1;
    return word.slice(0, at || 1);
  };

  /* Return a term that was typed: how its places are found, and what its words begin with. */
  const termOf = (typed) => {
    const isQuoted = typed.startsWith('"');
    const text = typed.replaceAll('"', "").trim();
    const word = text.replace(/\*$/, "");
    if (!isQuoted && /^[\p{L}\p{N}\p{M}_]+$/u.test(word)) {
      // A word is found in all its forms, and at the beginning of one: "rock" finds "rockets".
      const root = word === text && [...word].length > 2 ? stem(word) : "";
      const start = root ? shared(word, root) : word;
      const isForm = (other) => other.startsWith(word) || (root && other.startsWith(start) && stem(other) === root);
      return { starts: [start], find: (all) => [...all.matchAll(words)].filter((found) => isForm(found[0])).map((found) => [found.index, found[0].length]) };
    }
    const edge = (pattern, at) => /[\p{L}\p{N}_]/u.test(text.at(at)) ? pattern : "";
    const pattern = new RegExp(`${edge("(?<![\\p{L}\\p{N}_])", 0)}${escaped(text).replace(/\s+/g, "\\s+")}${isQuoted ? edge("(?![\\p{L}\\p{N}_])", -1) : ""}`, "gu");
    return { starts: text.match(words) || [], find: (all) => [...all.matchAll(pattern)].map((found) => [found.index, found[0].length]) };
  };
  const terms = (plain(query.normalize("NFC").replace(joiners, "")).match(/"[^"]+"|[^\s"]+/g) || []).filter((typed) => /[^\s"*]/.test(typed)).map(termOf);
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

  /* Show the words that are around the first place of each term, with all places marked. */
  const snippet = (text, found, parent) => {
    const line = part("span", "", parent);
    line.className = "what";
    line.dir = "auto";
    const firsts = found.map((places) => places[0]).filter(Boolean).map(([place]) => place).sort((a, b) => a - b);
    const width = firsts.length > 1 ? 120 : 240;
    const windows = [];
    for (const place of firsts.length ? firsts : [0]) {
      if (windows.length && place < windows.at(-1)[1]) continue;
      const before = windows.length ? windows.at(-1)[1] : 0;
      const start = Math.max(before, text.lastIndexOf(" ", place - 50) + 1, 0);
      if (start === before && windows.length) windows.at(-1)[1] = place + width;
      else if (windows.length < 3) windows.push([place < 50 ? 0 : start, place + width]);
    }
    const places = found.flat().sort((a, b) => a[0] - b[0] || b[1] - a[1]);
    for (const [start, end] of windows) {
      if (start) line.append(line.textContent ? " … " : "…");
      let done = start;
      for (const [place, length] of places) {
        if (place < done || place + length > end) continue;
        line.append(text.slice(done, place));
        part("mark", text.slice(place, place + length), line);
        done = place + length;
      }
      // Whole letters: an emoji is not cut in two.
      line.append(text.slice(done, Math.max(done, end)).replace(/[\ud800-\udbff]$/, ""));
    }
    if (windows.at(-1)[1] < text.length) line.append("…");
  };

  /* Show the tags that a term is found in: a post may be there for these alone. */
  const why = (tags, parent) => {
    if (!tags.length) return;
    const line = part("span", tags.length > 1 ? "tags: " : "tag: ", parent);
    line.className = "why";
    tags.forEach((tag, at) => {
      if (at) line.append(", ");
      part("mark", tag, line).dir = "auto";
    });
  };

  const show = ([folder, page, message, when, text, tags], names) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `channels/${encodeURIComponent(folder)}/${page}.html#p${message}`;
    part("span", `${names[folder]} · ${when}`, link).className = "where";
    const all = plain(text);
    if (text) snippet(text, terms.map((term) => term.find(all)), link);
    why(tags.filter((tag) => terms.some((term) => term.find(plain(tag)).length)), link);
    item.append(link);
    list.append(item);
  };

  (async () => {
    said.textContent = "Searching …";
    const [names, files] = await load("contents", "tgtaggerContents") || [{}, []];
    let left = files.map((file, at) => at).reverse(); // the newest first
    for (const word of terms.flatMap((term) => term.starts)) {
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
          const parts = [post[4], ...post[5]].map(plain);
          if (!terms.every((term) => parts.some((all) => term.find(all).length))) continue;
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
