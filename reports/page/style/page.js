// Spectrograms become buttons that play; without this script the browser's own controls under them do.
"use strict";
(() => {
  const STEP = 0.25; // seconds that an arrow key moves
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const players = new Map(); // by audio element

  document.documentElement.classList.add("script");

  class Player {
    constructor(figure) {
      this.audio = figure.querySelector("audio");
      this.button = figure.querySelector(".play");
      this.picture = figure.querySelector(".picture");
      this.audio.controls = false;
      this.button.disabled = false;
      this.button.addEventListener("click", () => this.pressed());
      this.button.addEventListener("keydown", (event) => this.moved(event));
      for (const name of ["play", "pause", "ended"]) this.audio.addEventListener(name, () => this.changed());
      this.audio.addEventListener("timeupdate", () => this.draw());
      this.audio.addEventListener("error", () => this.button.classList.add("broken"));
    }

    get seconds() {
      return this.audio.duration || Number(this.button.dataset.seconds);
    }

    draw() {
      const at = Math.min(1, this.audio.currentTime / this.seconds);
      this.picture.style.setProperty("--at", at.toFixed(4));
    }

    follow() {
      this.draw();
      if (!this.audio.paused && !calm.matches) requestAnimationFrame(() => this.follow());
    }

    changed() {
      const playing = !this.audio.paused && !this.audio.ended;
      this.button.classList.toggle("playing", playing);
      this.button.setAttribute("aria-pressed", String(playing));
      this.follow();
    }

    start() {
      this.audio.play().catch((error) => {
        if (error.name !== "AbortError") this.button.classList.add("broken"); // aborted: another was pressed meanwhile
      });
    }

    pressed() {
      if (this.audio.paused) this.start();
      else this.audio.pause();
    }

    moved(event) {
      const way = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
      if (way === undefined) return;
      event.preventDefault();
      this.audio.currentTime = Math.max(0, Math.min(this.seconds, this.audio.currentTime + way));
      this.draw();
    }
  }

  const silence = (kept) => players.forEach((player, audio) => audio !== kept && audio.pause());
  for (const figure of document.querySelectorAll(".track")) {
    const player = new Player(figure);
    players.set(player.audio, player);
  }
  document.addEventListener("play", (event) => silence(event.target), true); // one sound at a time
  document.addEventListener("change", () => silence()); // another example was picked
})();
