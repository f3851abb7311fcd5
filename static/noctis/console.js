// What the console has beyond its pages: a palette, copy buttons, live numbers. All of it works
// without this file, as pages and text that can be selected.
"use strict";

(() => {
  const palette = document.getElementById("palette");
  const opener = document.getElementById("open-palette");
  if (!palette || !opener) {
    return;
  }
  const asked = document.getElementById("palette-asked");
  const list = document.getElementById("palette-found");
  const none = document.getElementById("palette-none");
  let chosen = -1;
  let waiting = 0;
  let newest = 0;

  const options = () => Array.from(list.children);

  const choose = (place) => {
    const all = options();
    chosen = all.length ? (place + all.length) % all.length : -1;
    all.forEach((option, nth) => option.setAttribute("aria-selected", String(nth === chosen)));
    if (chosen < 0) {
      asked.removeAttribute("aria-activedescendant");
      return;
    }
    asked.setAttribute("aria-activedescendant", all[chosen].id);
    all[chosen].scrollIntoView({ block: "nearest" });
  };

  const show = (found) => {
    list.replaceChildren(
      ...found.map((one, nth) => {
        const option = document.createElement("li");
        option.id = `palette-${nth}`;
        option.setAttribute("role", "option");
        option.dataset.url = one.url;
        const name = document.createElement("span");
        name.textContent = one.name;
        const kind = document.createElement("small");
        kind.textContent = one.kind;
        option.append(name, kind);
        option.addEventListener("click", () => window.location.assign(one.url));
        return option;
      }),
    );
    none.hidden = found.length > 0;
    choose(0);
  };

  const ask = async () => {
    newest += 1;
    const mine = newest;
    const query = new URLSearchParams({ q: asked.value, as: "json" });
    const answer = await fetch(`${palette.dataset.address}?${query}`, { credentials: "same-origin" });
    // Signed out meanwhile: the page itself says so.
    if (!answer.ok || answer.redirected) {
      window.location.assign(palette.dataset.address);
      return;
    }
    const known = await answer.json();
    if (mine === newest) {
      show(known.found);
    }
  };

  const open = () => {
    if (!palette.open) {
      palette.showModal();
      asked.value = "";
      ask();
    }
  };

  opener.addEventListener("click", (event) => {
    event.preventDefault();
    open();
  });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });
  palette.addEventListener("click", (event) => {
    if (event.target === palette) {
      palette.close();
    }
  });
  asked.addEventListener("input", () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(ask, 120);
  });
  asked.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && chosen >= 0) {
      event.preventDefault();
      window.location.assign(options()[chosen].dataset.url);
    }
  });
})();

(() => {
  const template = document.getElementById("copy-button");
  // Browsers lend the clipboard to pages over HTTPS and on this machine only.
  if (!template || !navigator.clipboard) {
    return;
  }
  for (const text of document.querySelectorAll(".copyable")) {
    const button = template.content.firstElementChild.cloneNode(true);
    const label = button.textContent;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text.textContent.trim());
      button.textContent = button.dataset.done;
      window.setTimeout(() => {
        button.textContent = label;
      }, 2000);
    });
    text.after(button);
  }
})();

(() => {
  const live = document.getElementById("live");
  if (!live || !live.dataset.live) {
    return;
  }
  const everyMs = Number(live.dataset.everyMs) || 30000;
  let timer = 0;
  const isRead = () => live.contains(document.activeElement) || live.querySelector("details[open]");

  const refresh = async () => {
    // Whoever looks into something keeps it; in a hidden tab nobody looks.
    if (document.hidden || isRead()) {
      return;
    }
    const answer = await fetch(live.dataset.live, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) {
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("live");
    if (fresh && !isRead()) {
      live.replaceChildren(...fresh.childNodes);
      // What has ended is looked at no more.
      if (!fresh.dataset.live) {
        window.clearInterval(timer);
      }
    }
  };

  timer = window.setInterval(refresh, everyMs);
  document.addEventListener("visibilitychange", refresh);
})();

(() => {
  const EVERY_MS = 1000;
  if (!document.querySelector("time.countdown")) {
    return;
  }
  window.setInterval(() => {
    document.querySelectorAll("time.countdown").forEach((time) => {
      const left = Math.max(0, Math.floor((Date.parse(time.dateTime) - Date.now()) / 1000));
      time.textContent = `${Math.floor(left / 60)} min ${String(left % 60).padStart(2, "0")} s`;
    });
  }, EVERY_MS);
})();
