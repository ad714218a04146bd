// The player: the recording with a waveform of both sides. Plays on, or just one stretch, once or in a loop.

import { byId } from "./common.js";

const MARGIN_S = 0.3; // heard before and after a stretch, so that it has a context
const STEP_S = 3;
const COLOURS = { agent: "#17637a", customer: "#8a5a00", other: "#8b96a1", mark: "rgba(163, 32, 29, .16)" };

const clock = (seconds) => {
  const whole = Math.floor(seconds);
  const pad = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  return (hours ? `${hours}:` : "") + `${pad(Math.floor((whole % 3600) / 60))}:${pad(whole % 60)}`;
};

export class Player {
  constructor(callNumber, durationMs, onTime) {
    this.sound = byId("sound");
    this.canvas = byId("waveform");
    this.durationMs = durationMs;
    this.onTime = onTime;
    this.stretch = null; // seconds, [start, end]
    this.looping = false;
    this.marks = []; // ms, [start, end]
    this.waveform = null;
    this.wire();
    fetch(`/api/calls/${callNumber}/waveform`)
      .then((response) => (response.ok ? response.json() : null))
      .then((waveform) => {
        this.waveform = waveform;
        this.draw();
      });
  }

  wire() {
    byId("play").addEventListener("click", () => this.toggle());
    byId("back").addEventListener("click", () => this.step(-STEP_S));
    byId("forward").addEventListener("click", () => this.step(STEP_S));
    byId("loop").addEventListener("click", () => this.toggleLoop());
    byId("speed").addEventListener("change", (event) => this.setSpeed(Number(event.target.value)));
    this.canvas.addEventListener("click", (event) => {
      const box = this.canvas.getBoundingClientRect();
      this.seek((((event.clientX - box.left) / box.width) * this.durationMs) / 1000);
    });
    this.sound.addEventListener("play", () => {
      byId("play").textContent = "暂停";
      this.follow();
    });
    this.sound.addEventListener("pause", () => {
      byId("play").textContent = "播放";
    });
    this.sound.addEventListener("error", () => {
      byId("time").textContent = "录音已不在,或不能播放";
    });
    this.sound.addEventListener("timeupdate", () => this.show());
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  get nowMs() {
    return this.sound.currentTime * 1000;
  }

  // who pauses before the sound has begun to play does nothing wrong
  play() {
    this.sound.play().catch((fault) => {
      if (fault.name !== "AbortError") throw fault;
    });
  }

  toggle() {
    this.stretch = null;
    if (this.sound.paused) this.play();
    else this.sound.pause();
  }

  step(seconds) {
    this.stretch = null;
    this.seek(this.sound.currentTime + seconds);
  }

  seek(seconds) {
    this.sound.currentTime = Math.max(0, Math.min(seconds, this.durationMs / 1000));
    this.show();
  }

  playFrom(ms) {
    this.stretch = null;
    this.seek(ms / 1000);
    this.play();
  }

  playStretch(startMs, endMs) {
    this.stretch = [Math.max(0, startMs / 1000 - MARGIN_S), Math.min(this.durationMs / 1000, endMs / 1000 + MARGIN_S)];
    this.seek(this.stretch[0]);
    this.play();
  }

  toggleLoop() {
    this.looping = !this.looping;
    byId("loop").setAttribute("aria-pressed", this.looping);
  }

  setSpeed(rate) {
    this.sound.playbackRate = rate;
    byId("speed").value = String(rate);
  }

  changeSpeed(direction) {
    const rates = [...byId("speed").options].map((option) => Number(option.value));
    const now = rates.indexOf(this.sound.playbackRate);
    this.setSpeed(rates[Math.max(0, Math.min(now + direction, rates.length - 1))]);
  }

  // frame by frame while it plays: the browser's own timeupdate comes too seldom to end a stretch in time
  follow() {
    if (this.sound.paused) return;
    if (this.stretch && this.sound.currentTime >= this.stretch[1]) {
      if (this.looping) this.seek(this.stretch[0]);
      else this.sound.pause();
    }
    this.show();
    requestAnimationFrame(() => this.follow());
  }

  show() {
    byId("time").textContent = `${clock(this.sound.currentTime)} / ${clock(this.durationMs / 1000)}`;
    this.draw();
    this.onTime(this.nowMs);
  }

  draw() {
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    const x = (ms) => (ms / this.durationMs) * width;
    const middle = height / 2;
    context.fillStyle = COLOURS.mark;
    for (const [start, end] of this.marks) context.fillRect(x(start), 0, Math.max(2, x(end) - x(start)), height);
    if (this.waveform) {
      const step = width / this.waveform.agent.length;
      const bars = (levels, colour, up) => {
        context.fillStyle = colour;
        levels.forEach((level, bucket) => {
          const bar = level ? Math.max(1, Math.sqrt(level / 100) * (middle - 4)) : 0;
          if (bar) context.fillRect(bucket * step, up ? middle - bar : middle, Math.max(1, step), bar);
        });
      };
      bars(this.waveform.agent, COLOURS.agent, true);
      bars(this.waveform.customer, COLOURS.customer, false);
      bars(this.waveform.other, COLOURS.other, true);
    }
    context.fillStyle = "#c7ced5";
    context.fillRect(0, middle, width, 1);
    context.fillStyle = "#17212b";
    context.fillRect(x(this.nowMs) - 1, 0, 2, height);
  }
}
