// Keeps the page of a running census up to date. Without it the page reloads itself.
(() => {
  "use strict";
  const PAUSE = 1000;
  const LONGEST_PAUSE = 15000;

  const section = document.querySelector("[data-progress-url]");
  if (!section || "settled" in section.dataset) return;

  const bar = document.getElementById("progress-bar");
  const numbers = section.querySelectorAll("[data-number]");
  let version = null;
  let pause = PAUSE;

  function show(progress) {
    bar.value = progress.percent;
    for (const element of numbers) {
      element.textContent = progress[element.dataset.number].toLocaleString("en");
    }
  }

  async function replaceResults() {
    const answer = await fetch(location.href);
    if (!answer.ok) throw new Error(`the page answered ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.getElementById("results").replaceWith(fresh.getElementById("results"));
  }

  async function look() {
    const answer = await fetch(section.dataset.progressUrl);
    if (!answer.ok) throw new Error(`the progress answered ${answer.status}`);
    const progress = await answer.json();
    if (progress.is_settled) {
      location.reload();
      return false;
    }
    show(progress);
    if (version !== null && version !== progress.version) await replaceResults();
    version = progress.version;
    return true;
  }

  async function follow() {
    let goesOn = true;
    try {
      goesOn = await look();
      pause = PAUSE;
    } catch (error) {
      console.warn("the progress cannot be read:", error);
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
    if (goesOn) setTimeout(follow, pause);
  }

  follow();
})();
