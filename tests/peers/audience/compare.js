// Usage: compare.js DRIVER FIRST_SEED SEEDS EXPRESSIONS
'use strict';
const fs = require('fs');
const path = require('path');
const {spawnSync} = require('child_process');
const {DuckDBInstance} = require('@duckdb/node-api');

const [driver, firstSeed, seeds, count] = process.argv.slice(2);
const listed = fs.readFileSync(path.join(__dirname, 'expressions.txt'), 'utf8');

// What DuckDB writes otherwise: a list is a table only through unnest, and its clock is its own.
// x = ANY(list) is unknown there for a NULL list, where ours (DESIGN 4.9) has no rows: hence unnest.
function translate(expression) {
    return expression
        .replace(/(?<!DISTINCT )FROM (visits|packs)\b/g, 'FROM (SELECT unnest(customers.$1, max_depth := 2)) AS $1')
        .replace(/(?<!DISTINCT )FROM (tags|numbers|ranks|checks)\b/g, 'FROM (SELECT unnest(customers.$1) AS value) AS $1')
        .replace(/(ANY|ALL) ?\((tags|numbers|ranks)\)/g, '$1 (SELECT unnest(customers.$2))')
        .replace(/CURRENT_TIMESTAMP|NOW\(\)/g, "TIMESTAMPTZ '2026-11-23 09:30:00+00'")
        .replace(/CURRENT_DATE/g, "DATE '2026-11-23'");
}

async function compare(seed) {
    const ours = spawnSync(driver, [seed, count], {input: listed, maxBuffer: 1 << 28, encoding: 'utf8'});
    if (ours.status !== 0) throw new Error('the driver failed: ' + ours.stderr);
    const db = await (await DuckDBInstance.create()).connect();
    await db.run("SET TimeZone = 'UTC'");
    await db.run('SET threads = 1');
    const result = {same: 0, differ: 0, refused: 0};
    for (const line of ours.stdout.split('\n').filter(Boolean)) {
        if (line.startsWith('S ')) {
            await db.run(line.slice(2));
            continue;
        }
        const [expression, ids] = line.slice(2).split('\t');
        const query = `SELECT id FROM customers WHERE ${translate(expression)} ORDER BY id`;
        let theirs;
        try {
            theirs = (await db.runAndReadAll(query)).getRows().map(([id]) => String(id)).join(' ');
        } catch (e) {
            result.refused++;
            if (process.env.VERBOSE) console.error(`refused: ${query}\n  ${e.message.split('\n')[0]}`);
            continue;
        }
        if (theirs === ids.trim()) {
            result.same++;
        } else if (++result.differ <= 5) {
            const a = new Set(theirs.split(' ')), b = new Set(ids.trim().split(' '));
            console.error(`seed ${seed}: ${expression}\n  only DuckDB: ${[...a].filter((x) => !b.has(x)).slice(0, 10)}` +
                          `\n  only volley: ${[...b].filter((x) => !a.has(x)).slice(0, 10)}`);
        }
    }
    db.closeSync();
    return result;
}

(async () => {
    const sum = {same: 0, differ: 0, refused: 0};
    for (let s = 0; s < Number(seeds); s++) {
        const one = await compare(String(Number(firstSeed) + s));
        for (const key in sum) sum[key] += one[key];
    }
    console.log(`audience: ${sum.same} expressions the same as DuckDB, ${sum.differ} differ, ${sum.refused} it refuses`);
    // Too many refusals would make the comparison worthless.
    process.exit(sum.differ > 0 || sum.refused * 5 > sum.same ? 1 : 0);
})();
