// Writes Arrow files with apache-arrow, and beside each what its rows are, one JSON object a line, so
// that our reader can be compared with it. Usage: node write_js.cjs DIR [ROWS]
// The expected rows come from the plain values below, not from reading the file back.
'use strict';
const fs = require('fs');
const path = require('path');
const arrow = require('apache-arrow');

const dir = process.argv[2];

// JSON as tests/peers/arrow/dump.c prints it: integers of 64 bits in full, no blanks.
function json(value)
{
    if (typeof value === 'bigint')
        return value.toString();
    if (Array.isArray(value))
        return '[' + value.map(json).join(',') + ']';
    if (value !== null && typeof value === 'object')
        return '{' + Object.keys(value).map((k) => JSON.stringify(k) + ':' + json(value[k])).join(',') + '}';
    return JSON.stringify(value);
}

const bitsOf = (values) => {
    const bits = new Uint8Array(Math.ceil(values.length / 64) * 8);
    values.forEach((v, i) => { if (v !== null) bits[i >> 3] |= 1 << (i & 7); });
    return bits;
};

// A vector over raw values: apache-arrow converts dates and decimals when it builds them itself.
function raw(type, values, ArrayType, width = 1)
{
    const data = new ArrayType(values.length * width);
    values.forEach((v, i) => {
        if (v === null)
            return;
        if (width === 1)
            data[i] = v;
        else
            for (let w = 0; w < width; w++)
                data[i * width + w] = Number(BigInt.asUintN(32, BigInt(v) >> BigInt(32 * w)));
    });
    const nulls = values.filter((v) => v === null).length;
    return arrow.makeVector({type, length : values.length, nullCount : nulls, nullBitmap : bitsOf(values), data});
}

const rows = Number(process.argv[3] ?? 5000); // more than one chunk, and no multiple of 64
const pick = (i, n, v) => (i % n === 0 ? null : v);
const all = (fn) => Array.from({length : rows}, (_, i) => fn(i));
const words = [ '', 'a', 'Zoë', '早安', 'a text that does not fit into twelve bytes', 'exactly12byt', 'thirteen byte' ];
const word = (i) => words[i % words.length];
const list = (i, fn) => pick(i, 11, Array.from({length : i % 4}, (_, k) => fn(i + k)));
const visit = (i) => pick(i, 13, {class_type : pick(i, 5, word(i)), at : pick(i, 3, BigInt(i) * 1000000n)});
const F = (name, type) => new arrow.Field(name, type, true);

const text = new arrow.Utf8();
const visitType = new arrow.Struct([ F('class_type', text), F('at', new arrow.Int64()) ]);
const built = (type, values) => arrow.vectorFromArray(values, type);

// name: [plain values, vector, what our reader makes of a value]
const columns = {
    id : [ all((i) => 'c' + i), (v) => built(text, v) ],
    nothing : [ all(() => null), (v) => built(new arrow.Null(), v) ],
    flag : [ all((i) => pick(i, 7, i % 3 === 0)), (v) => built(new arrow.Bool(), v) ],
    i8 : [ all((i) => pick(i, 2, i % 256 - 128)), (v) => raw(new arrow.Int8(), v, Int8Array) ],
    i16 : [ all((i) => pick(i, 3, i - 2500)), (v) => raw(new arrow.Int16(), v, Int16Array) ],
    i32 : [ all((i) => i * -400000), (v) => raw(new arrow.Int32(), v, Int32Array) ],
    i64 : [ all((i) => pick(i, 5, -(2n ** 62n) + BigInt(i))), (v) => raw(new arrow.Int64(), v, BigInt64Array) ],
    u8 : [ all((i) => i % 256), (v) => raw(new arrow.Uint8(), v, Uint8Array) ],
    u16 : [ all((i) => i * 13), (v) => raw(new arrow.Uint16(), v, Uint16Array) ],
    u32 : [ all((i) => pick(i, 9, 4294967295 - i)), (v) => raw(new arrow.Uint32(), v, Uint32Array) ],
    u64 : [ all((i) => 2n ** 64n - 1n - BigInt(i)), (v) => raw(new arrow.Uint64(), v, BigUint64Array) ],
    f32 : [ all((i) => pick(i, 4, i / 8)), (v) => raw(new arrow.Float32(), v, Float32Array) ],
    f64 : [ all((i) => (i + 1) / -16), (v) => raw(new arrow.Float64(), v, Float64Array) ],
    price : [
        all((i) => pick(i, 6, BigInt(i - 2000) * 10n ** 20n)),
        (v) => raw(new arrow.Decimal(2, 30, 128), v, Uint32Array, 4)
    ],
    day : [ all((i) => pick(i, 8, i - 2000)), (v) => raw(new arrow.DateDay(), v, Int32Array) ],
    day_ms : [ all((i) => BigInt(i) * 86400000n), (v) => raw(new arrow.DateMillisecond(), v, BigInt64Array) ],
    at_s : [ all((i) => BigInt(i)), (v) => raw(new arrow.TimestampSecond(), v, BigInt64Array) ],
    at_ms : [ all((i) => pick(i, 2, BigInt(i))), (v) => raw(new arrow.TimestampMillisecond('UTC'), v, BigInt64Array) ],
    at_us : [ all((i) => BigInt(-i)), (v) => raw(new arrow.TimestampMicrosecond('Europe/Rome'), v, BigInt64Array) ],
    at_ns : [ all((i) => BigInt(i)), (v) => raw(new arrow.TimestampNanosecond('+02:00'), v, BigInt64Array) ],
    name : [ all((i) => pick(i, 6, word(i))), (v) => built(text, v) ],
    large : [ all((i) => pick(i, 10, word(i + 1))), (v) => built(new arrow.LargeUtf8(), v) ],
    view : [ all((i) => pick(i, 10, word(i + 2))), (v) => built(new arrow.Utf8View(), v) ],
    city : [
        all((i) => pick(i, 17, word(i * i))), (v) => built(new arrow.Dictionary(text, new arrow.Int16()), v)
    ],
    // Types we do not read lie in between: their buffers have to be stepped over.
    blob : [ all((i) => new Uint8Array([ i % 7 ])), (v) => built(new arrow.Binary(), v), 'unsupported' ],
    fixed : [
        all((i) => new Uint8Array([ i % 7, 1 ])), (v) => built(new arrow.FixedSizeBinary(2), v), 'unsupported'
    ],
    noon : [ all((i) => i), (v) => raw(new arrow.TimeSecond(), v, Int32Array), 'unsupported' ],
    took : [ all((i) => BigInt(i)), (v) => raw(new arrow.DurationSecond(), v, BigInt64Array), 'unsupported' ],
    triple : [
        all((i) => [i, i, i]), (v) => built(new arrow.FixedSizeList(3, F('item', new arrow.Int32())), v),
        'unsupported'
    ],
    pairs : [
        all((i) => new Map([[ 'k', i ]])),
        (v) => built(new arrow.Map_(F('entries', new arrow.Struct([ F('key', text), F('value', new arrow.Int32()) ]))), v),
        'unsupported'
    ],
    bytes_view : [ all((i) => Buffer.from(word(i))), (v) => built(new arrow.BinaryView(), v), 'unsupported' ],
    tags : [ all((i) => list(i, word)), (v) => built(new arrow.List(F('item', text)), v) ],
    scores : [
        all((i) => list(i, (k) => k)), (v) => built(new arrow.LargeList(F('item', new arrow.Int32())), v)
    ],
    visits : [ all((i) => list(i, visit)), (v) => built(new arrow.List(F('item', visitType)), v) ],
    nested : [
        all((i) => list(i, (k) => list(k, word))),
        (v) => built(new arrow.List(F('item', new arrow.List(F('item', text)))), v)
    ],
    place : [ all((i) => visit(i)), (v) => built(visitType, v) ],
};

const lines = all((i) => {
    const row = {};
    for (const [name, [values, , shown]] of Object.entries(columns))
        row[name] = shown ?? values[i];
    return json(row) + '\n';
});

// Several record batches, some of them empty or of one row. Only the dictionary is cut from one
// vector, as all batches of a file share it; apache-arrow cuts views one row short.
const cuts = [ 0, 0, 1, 64, 4300 ].filter((cut) => cut < rows).concat(rows);
const city = columns.city[1](columns.city[0]);
let schema;
const batches = cuts.slice(1).map((end, b) => {
    const vectors = Object.entries(columns).map(([ name, [values, make] ]) =>
        name === 'city' ? city.slice(cuts[b], end) : make(values.slice(cuts[b], end)));
    schema ??= new arrow.Schema(Object.keys(columns).map((name, c) => F(name, vectors[c].type)));
    return new arrow.RecordBatch(schema, arrow.makeData({
        type : new arrow.Struct(schema.fields), length : end - cuts[b], nullCount : 0,
        children : vectors.map((v) => v.data[0])
    }));
});

function write(name, Writer)
{
    const writer = new Writer();
    for (const batch of batches)
        writer.write(batch);
    writer.finish();
    fs.writeFileSync(path.join(dir, name + '.arrow'), writer.toUint8Array(true));
    fs.writeFileSync(path.join(dir, name + '.ndjson'), lines.join(''));
}
write('js_file', arrow.RecordBatchFileWriter);
write('js_stream', arrow.RecordBatchStreamWriter);
