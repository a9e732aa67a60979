// Turn spectrograms into play buttons; without this script the browser's own controls below them work.
"use strict";
(() => {
  const STEP = 0.25; // seconds per press of an arrow key
  const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
  const players = new Map(); // by audio element

  document.documentElement.classList.add("script");

  class Player {
    constructor(figure) {
      this.audio = figure.querySelector("audio");
      this.button = figure.querySelector(".play");
      this.picture = figure.querySelector(".picture");
      this.audio.controls = false;
      this.button.disabled = false;
      this.button.addEventListener("click", () => this.toggle());
      this.button.addEventListener("keydown", (event) => this.seek(event));
      for (const name of ["play", "pause", "ended"]) this.audio.addEventListener(name, () => this.update());
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
      if (!this.audio.paused && !reducedMotion.matches) requestAnimationFrame(() => this.follow());
    }

    update() {
      const playing = !this.audio.paused && !this.audio.ended;
      this.button.classList.toggle("playing", playing);
      this.button.setAttribute("aria-pressed", String(playing));
      this.follow();
    }

    start() {
      this.audio.play().catch((error) => {
        if (error.name !== "AbortError") this.button.classList.add("broken"); // aborted: another sound was started meanwhile
      });
    }

    toggle() {
      if (this.audio.paused) this.start();
      else this.audio.pause();
    }

    seek(event) {
      const step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      this.audio.currentTime = Math.max(0, Math.min(this.seconds, this.audio.currentTime + step));
      this.draw();
    }
  }

  const pauseOthers = (kept) => players.forEach((player, audio) => audio !== kept && audio.pause());
  for (const figure of document.querySelectorAll(".track")) {
    const player = new Player(figure);
    players.set(player.audio, player);
  }
  document.addEventListener("play", (event) => pauseOthers(event.target), true); // one sound at a time
  document.addEventListener("change", () => pauseOthers()); // another example was picked
})();
