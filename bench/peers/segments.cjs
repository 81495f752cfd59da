// segments.cjs TEXTS SECONDS: how long the calculator takes for a text; see segments_speed.c.
"use strict";
const fs = require("node:fs");
const { SegmentedMessage } = require("sms-segments-calculator");

const [, , path, seconds] = process.argv;
const texts = fs.readFileSync(path, "utf8").split("\n").filter((text) => text !== "");
const count = (text) => new SegmentedMessage(text).segmentsCount;
const segments = texts.reduce((sum, text) => sum + count(text), 0);
let done = 0;
const start = process.hrtime.bigint();
let now;
do {
  count(texts[done++ % texts.length]);
  now = process.hrtime.bigint();
} while (Number(now - start) < Number(seconds) * 1e9);
console.log(JSON.stringify({ segments, ns: Number(now - start) / done }));
