// Has the page follow what happens, and sends what its buttons say. Without it the page still reads.
"use strict";

const TOKEN = "kado-token";

// `kado page` hands the token over in the fragment, which no server is sent. It leaves the address
// at once, and this tab alone remembers it.
const fragment = new URLSearchParams(location.hash.slice(1)).get("token");
if (fragment) {
  sessionStorage.setItem(TOKEN, fragment);
  history.replaceState(null, "", location.pathname);
}

/** Shows the buttons to whoever has the token. */
function arm() {
  const armed = sessionStorage.getItem(TOKEN) !== null;
  for (const button of document.querySelectorAll("[data-do]")) {
    button.hidden = !armed;
  }
  for (const text of document.querySelectorAll(".needs-token")) {
    text.hidden = armed;
  }
}

/** What a node is recognised by among its siblings. */
function key(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key || "" : "";
}

/** Whether an attribute is for whoever looks, or for `arm`, to say. */
function isOurs(name, node) {
  const hides = node.matches("[data-do], .needs-token");
  return name === "open" || (hides && (name === "hidden" || name === "disabled"));
}

/** Makes `old` what `fresh` is, and leaves alone what is the same: focus, scroll, open parts. */
function morph(old, fresh) {
  if (old.isEqualNode(fresh)) {
    return;
  }
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }

  for (const { name } of [...old.attributes]) {
    if (!isOurs(name, old) && !fresh.hasAttribute(name)) {
      old.removeAttribute(name);
    }
  }
  for (const { name, value } of [...fresh.attributes]) {
    if (!isOurs(name, old) && old.getAttribute(name) !== value) {
      old.setAttribute(name, value);
    }
  }
  morphChildren(old, fresh);
}

function morphChildren(old, fresh) {
  const named = new Map();
  for (const child of old.children) {
    if (key(child)) {
      named.set(key(child), child);
    }
  }

  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const known = key(wanted) ? named.get(key(wanted)) : place;
    if (!known || (!key(wanted) && key(known))) {
      old.insertBefore(wanted, place);
      continue;
    }
    if (known === place) {
      place = place.nextSibling;
    } else {
      old.insertBefore(known, place);
    }
    morph(known, wanted);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function show({ id, html }) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const old = document.getElementById(id);
  const fresh = template.content.firstElementChild;
  if (old && fresh) {
    morph(old, fresh);
    arm();
    const heading = document.querySelector("h1");
    if (heading) {
      document.title = `kado: ${heading.textContent}`;
    }
  }
}

const live = document.getElementById("live");
const asOf = live.innerHTML;
let source = null;
let lost = null;

function follow() {
  const { events, seen } = document.body.dataset;
  source = new EventSource(`${events}?seen=${seen}`);
  source.addEventListener("section", (event) => show(JSON.parse(event.data)));
  source.addEventListener("open", () => {
    lost = null;
    document.getElementById("silent").textContent = "";
    document.body.classList.remove("stale");
    live.textContent = "Live.";
  });
  source.addEventListener("error", () => {
    lost ??= new Date();
    live.innerHTML = asOf;
    setTimeout(tellLost, 4000);
    // A browser comes back by itself, but for an answer that is no stream.
    if (source.readyState === EventSource.CLOSED) {
      setTimeout(() => source.readyState === EventSource.CLOSED && follow(), 10000);
    }
  });
}

/** Says that the service is gone: what stands on the page is of before. */
function tellLost() {
  if (!lost) {
    return;
  }
  const since = lost.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const silent = document.getElementById("silent");
  document.body.classList.add("stale");
  if (!silent.textContent) {
    silent.textContent =
      `kado has not answered since ${since}, so no run is seen and nothing is sent. ` +
      "On the machine `kado status` says why, and `kado service start` starts it. " +
      "What stands below is as it was before.";
  }
}

/** Nothing is asked while nobody looks. */
function mindWhoLooks() {
  if (document.hidden) {
    source?.close();
    source = null;
  } else if (!source) {
    follow();
  }
}

async function act(button) {
  const said = document.getElementById("said");
  const { do: address, ask } = button.dataset;
  if (ask && !confirm(ask)) {
    return;
  }

  button.disabled = true;
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "X-Kado-Token": sessionStorage.getItem(TOKEN) ?? "",
      },
      body: "{}",
    });
    const text = await answer.text();
    if (answer.status === 403) {
      sessionStorage.removeItem(TOKEN);
      arm();
      said.textContent = "kado was started anew since: `kado page` opens this page with its buttons.";
    } else if (!answer.ok) {
      said.textContent = answer.headers.get("Content-Type")?.startsWith("application/json")
        ? JSON.parse(text).error
        : text;
    } else {
      said.textContent = JSON.parse(text).note ?? "Done.";
    }
  } catch {
    said.textContent = "kado does not answer.";
  } finally {
    button.disabled = false;
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) {
    act(button);
  }
});
document.addEventListener("visibilitychange", mindWhoLooks);
arm();
mindWhoLooks();
