// Writes Arrow files with polars (utf8_view, large_list, LZ4 and ZSTD), and beside each what its rows
// are, one JSON object a line. Usage: node write_polars.cjs DIR [ROWS]
'use strict';
const fs = require('fs');
const path = require('path');
const pl = require('nodejs-polars');

const dir = process.argv[2];
const rows = Number(process.argv[3] ?? 5000);
const pick = (i, n, v) => (i % n === 0 ? null : v);
const all = (fn) => Array.from({length : rows}, (_, i) => fn(i));
const words = [ '', 'a', 'Zoë', '早安', 'a text that does not fit into twelve bytes', 'exactly12byt', 'thirteen byte' ];
const word = (i) => words[i % words.length];
const list = (i, fn) => pick(i, 11, Array.from({length : i % 4}, (_, k) => fn(i + k)));

const plain = {
    id : all((i) => 'c' + i),
    flag : all((i) => pick(i, 7, i % 3 === 0)),
    price : all((i) => pick(i, 4, i / 8)),
    name : all((i) => pick(i, 6, word(i))),
    city : all((i) => pick(i, 9, word(i * i))),
    tags : all((i) => list(i, word)),
};
const day = all((i) => pick(i, 5, new Date(Date.UTC(2024, 0, 1 + i % 900))));
const ms = all((i) => pick(i, 3, new Date(1.7e12 + i * 1001)));

const frame = pl.DataFrame({
    id : pl.Series('id', plain.id, pl.Utf8),
    flag : pl.Series('flag', plain.flag, pl.Bool),
    price : pl.Series('price', plain.price, pl.Float64),
    name : pl.Series('name', plain.name, pl.Utf8),
    city : pl.Series('city', plain.city, pl.Utf8).cast(pl.Categorical),
    tags : pl.Series('tags', plain.tags, pl.List(pl.Utf8)),
    day : pl.Series('day', day, pl.Datetime('ms')).cast(pl.Date),
    at : pl.Series('at', ms, pl.Datetime('ms')),
    at_rome : pl.Series('at', ms, pl.Datetime('ms')).cast(pl.Datetime('us', 'Europe/Rome')),
    count : pl.Series('count', all((i) => pick(i, 2, i % 100)), pl.Int8),
});
// A struct column out of plain ones, as a nested table would have it.
const nested = frame.withColumns(pl.struct([ pl.col('name'), pl.col('count') ]).alias('place'));

const lines = all((i) => JSON.stringify({
    ...Object.fromEntries(Object.entries(plain).map(([ k, v ]) => [k, v[i]])),
    day : day[i] && day[i].getTime() / 86400000,
    at : ms[i] && ms[i].getTime(),
    at_rome : ms[i] && ms[i].getTime() * 1000,
    count : pick(i, 2, i % 100),
    place : {name : plain.name[i], count : pick(i, 2, i % 100)},
}) + '\n');

for (const compression of [ 'uncompressed', 'lz4', 'zstd' ]) {
    for (const [kind, bytes] of [
        [ 'file', nested.writeIPC({compression}) ],
        [ 'stream', nested.writeIPCStream({compression}) ],
    ]) {
        const name = path.join(dir, `polars_${kind}_${compression}`);
        fs.writeFileSync(name + '.arrow', bytes);
        fs.writeFileSync(name + '.ndjson', lines.join(''));
    }
}
