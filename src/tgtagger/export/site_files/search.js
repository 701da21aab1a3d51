/* written by tgtagger: searches the posts in the files beside it; nothing leaves this machine */
"use strict";
(() => {
  const most = 100;
  const said = document.getElementById("said");
  const list = document.getElementById("found");
  const query = (new URLSearchParams(location.search).get("q") || "").trim();
  const plain = (text) => text.toLowerCase().replaceAll("ё", "е");
  const words = plain(query).split(/\s+/).filter(Boolean);
  document.querySelector("input[type=search]").value = query;
  if (!words.length) return;
  let found = 0;
  let looked = 0;

  const part = (name, text, parent) => {
    const made = document.createElement(name);
    made.textContent = text;
    parent.append(made);
    return made;
  };

  const snippet = (text, parent) => {
    const folded = plain(text);
    const at = Math.max(0, Math.min(...words.map((word) => {
      const place = folded.indexOf(word);
      return place < 0 ? Infinity : place;
    })));
    const start = at === Infinity ? 0 : Math.max(0, at - 60);
    const shown = text.slice(start, start + 220);
    const line = part("span", start ? "…" : "", parent);
    line.className = "what";
    line.dir = "auto";
    let rest = shown;
    while (rest) {
      const places = words.map((word) => [plain(rest).indexOf(word), word.length]).filter(([place]) => place >= 0);
      if (!places.length) break;
      const [place, length] = places.sort((a, b) => a[0] - b[0] || b[1] - a[1])[0];
      line.append(rest.slice(0, place));
      part("mark", rest.slice(place, place + length), line);
      rest = rest.slice(place + length);
    }
    line.append(rest + (start + 220 < text.length ? "…" : ""));
  };

  window.tgtaggerPosts = (channel, posts) => {
    for (const [page, message, when, text, tags] of posts) {
      looked += 1;
      const all = plain(text + " " + tags.join(" "));
      if (found >= most || !words.every((word) => all.includes(word))) continue;
      found += 1;
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = `channels/${encodeURIComponent(channel.folder)}/${page}.html#p${message}`;
      part("span", `${channel.name} · ${when}`, link).className = "where";
      snippet(text || tags.join(", "), link);
      item.append(link);
      list.append(item);
    }
  };

  const files = window.tgtaggerFiles.slice();
  const next = () => {
    const file = files.shift();
    if (found >= most || !file) {
      said.textContent = found
        ? `${found}${found >= most ? " or more" : ""} posts with “${query}”`
        : `Nothing with “${query}” in ${looked} posts.`;
      return;
    }
    said.textContent = `Searching … ${found} found in ${looked} posts`;
    const script = document.createElement("script");
    script.src = `search/${encodeURIComponent(file)}`;
    script.onload = script.onerror = () => { script.remove(); next(); };
    document.body.append(script);
  };
  next();
})();
