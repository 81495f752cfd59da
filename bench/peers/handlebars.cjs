// handlebars.cjs CASE.json SECONDS: how long one rendering and its UTF-8 take; see render_speed.c.
"use strict";
const fs = require("node:fs");
const Handlebars = require("handlebars");

const [, , path, seconds] = process.argv;
const work = JSON.parse(fs.readFileSync(path, "utf8"));
const render = Handlebars.compile(work.mustache_template, { noEscape: !work.html });
const rows = work.rows.map((row) =>
  Object.fromEntries(work.variables.map((name, i) => [name, row[i]])));
const room = Buffer.alloc(1 << 16); // a sender needs bytes, not a string

let bytes = 0;
let count = 0;
function pass() {
  for (const row of rows) bytes += room.write(render(row));
  count += rows.length;
}
for (let i = 0; i < 20; i++) pass(); // until it is compiled
bytes = count = 0;
const start = process.hrtime.bigint();
let now;
do {
  pass();
  now = process.hrtime.bigint();
} while (Number(now - start) < Number(seconds) * 1e9);
console.log(JSON.stringify({
  first: render(rows[0]), ns: Number(now - start) / count, bytes: bytes / count,
}));
