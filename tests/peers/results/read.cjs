// What other programs find in results.arrow: read.cjs FOLDER... writes a line of JSON for each folder.
const fs = require('fs');
const arrow = require('apache-arrow');
const polars = require('nodejs-polars');
const {DuckDBInstance} = require('@duckdb/node-api');

const words = ['customer', 'role', 'channel', 'disposition', 'outcome', 'reason', 'provider', 'provider_id', 'detail'];

function nested(rows, outer, inner) {
    const counts = {};
    for (const row of rows) {
        if (row[outer] === null || row[inner] === null) continue;
        counts[row[outer]] ??= {};
        counts[row[outer]][row[inner]] = (counts[row[outer]][row[inner]] ?? 0) + 1;
    }
    return counts;
}

function summary(rows) {
    const attempts = {};
    for (const row of rows) {
        if (row.attempts > 0) attempts[row.attempts] = (attempts[row.attempts] ?? 0) + 1;
    }
    return {
        outcomes: nested(rows, 'channel', 'outcome'), dispositions: nested(rows, 'channel', 'disposition'),
        reasons: nested(rows, 'outcome', 'reason'), providers: nested(rows, 'provider', 'outcome'), attempts,
        segments: rows.reduce((sum, row) => sum + row.segments, 0),
    };
}

function plain(table) {
    return table.toArray().map((row) => {
        const one = {};
        for (const field of table.schema.fields) {
            const value = row[field.name];
            one[field.name] = value === null || value === undefined ? null : words.includes(field.name) ? String(value) : Number(value);
        }
        return one;
    });
}

// DuckDB reads Arrow files through an extension that is not part of it, so it gets the columns that
// apache-arrow read and does the counting itself.
async function duckdb(rows) {
    const db = await (await DuckDBInstance.create()).connect();
    await db.run(`CREATE TABLE results (${words.map((w) => `${w} VARCHAR`)}, segments INTEGER, attempts INTEGER)`);
    const appender = await db.createAppender('results');
    for (const row of rows) {
        for (const word of words) row[word] === null ? appender.appendNull() : appender.appendVarchar(row[word]);
        appender.appendInteger(row.segments);
        appender.appendInteger(row.attempts);
        appender.endRow();
    }
    appender.closeSync();
    const query = async (sql) => (await db.runAndReadAll(sql)).getRowsJS().map((r) => r.map((v) => typeof v === 'bigint' ? Number(v) : v));
    const pairs = async (outer, inner) => {
        const counts = {};
        for (const [a, b, n] of await query(`SELECT ${outer}, ${inner}, count(*) FROM results
                WHERE ${outer} IS NOT NULL AND ${inner} IS NOT NULL GROUP BY ALL`))
            (counts[a] ??= {})[b] = n;
        return counts;
    };
    const attempts = await query('SELECT attempts, count(*) FROM results WHERE attempts > 0 GROUP BY ALL');
    return {
        outcomes: await pairs('channel', 'outcome'), dispositions: await pairs('channel', 'disposition'),
        reasons: await pairs('outcome', 'reason'), providers: await pairs('provider', 'outcome'),
        attempts: Object.fromEntries(attempts), segments: Number((await query('SELECT coalesce(sum(segments), 0) FROM results'))[0][0]),
    };
}

async function read(folder) {
    const bytes = fs.readFileSync(`${folder}/results.arrow`);
    const file = plain(arrow.tableFromIPC(bytes));
    // Of a stream without batches it makes an empty one and reads on behind the end.
    const stream = file.length === 0 ? [] : plain(new arrow.Table([...arrow.RecordBatchReader.from(bytes.subarray(8))]));
    const frame = polars.readIPC(bytes);
    for (const name of ['channel', 'disposition', 'outcome', 'reason', 'provider']) {
        const kind = String(frame.getColumn(name).dtype);
        if (!/Categorical/.test(kind)) throw new Error(`polars takes ${name} for ${kind}`);
    }
    const text = frame.withColumns(...words.map((w) => polars.col(w).cast(polars.Utf8).alias(w)));
    return {
        'apache-arrow': {...summary(file), rows: file}, 'apache-arrow, as a stream': summary(stream),
        'polars': summary(text.toRecords()), 'DuckDB': await duckdb(file),
    };
}

(async () => {
    for (const folder of process.argv.slice(2)) console.log(JSON.stringify(await read(folder)));
})();
