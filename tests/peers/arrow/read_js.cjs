// Prints the rows of an Arrow file as apache-arrow sees them, one JSON object a line, like dump.c.
// Usage: node read_js.cjs FILE
'use strict';
const fs = require('fs');
const arrow = require('apache-arrow');

const {Type} = arrow;

// The buffers as they are: apache-arrow's own accessors turn dates and times into other things.
function value(data, i)
{
    const {type} = data;
    if (type.typeId === Type.Null || (data.nullCount > 0 && !(data.nullBitmap[i >> 3] >> (i & 7) & 1)))
        return null;
    switch (type.typeId) {
    case Type.Bool:
        return Boolean(data.values[i >> 3] >> (i & 7) & 1);
    case Type.Utf8:
    case Type.LargeUtf8: {
        const [from, to] = [ Number(data.valueOffsets[i]), Number(data.valueOffsets[i + 1]) ];
        return Buffer.from(data.values.subarray(from, to)).toString();
    }
    case Type.List:
    case Type.LargeList: {
        const [from, to] = [ Number(data.valueOffsets[i]), Number(data.valueOffsets[i + 1]) ];
        return Array.from({length : to - from}, (_, k) => value(data.children[0], from + k));
    }
    case Type.Struct:
        return Object.fromEntries(type.children.map((f, c) => [f.name, value(data.children[c], i)]));
    case Type.Decimal: {
        const words = data.values.subarray(4 * i, 4 * i + 4);
        return BigInt.asIntN(128, words.reduce((sum, w, k) => sum | BigInt(w) << BigInt(32 * k), 0n));
    }
    default:
        return data.values[i];
    }
}

function json(v)
{
    if (typeof v === 'bigint')
        return v.toString();
    if (Array.isArray(v))
        return '[' + v.map(json).join(',') + ']';
    if (v !== null && typeof v === 'object')
        return '{' + Object.keys(v).map((k) => JSON.stringify(k) + ':' + json(v[k])).join(',') + '}';
    return JSON.stringify(v);
}

const reader = arrow.RecordBatchReader.from(fs.readFileSync(process.argv[2]));
for (const batch of reader) {
    let lines = '';
    for (let i = 0; i < batch.numRows; i++)
        lines += json(value(batch.data, i)) + '\n';
    fs.writeSync(1, lines);
}
