// duckdb.cjs FILE.csv THREADS TIMES EXPRESSION…: load the columns filter_scalar --csv prints into a
// table in memory, then count each expression TIMES times.
"use strict";
const { DuckDBInstance } = require("@duckdb/node-api");

async function main() {
  const [, , csv, threads, times, ...expressions] = process.argv;
  const instance = await DuckDBInstance.create(":memory:");
  const db = await instance.connect();
  await db.run(`SET threads = ${Number(threads)}`);
  await db.run(`CREATE TABLE customers AS
    SELECT email_verified = 1 AS email_verified, optout_marketing_email = 1 AS optout_marketing_email,
           status, visit_count, DATE '1970-01-01' + joined AS joined,
           CASE WHEN tags IS NULL THEN CAST([] AS VARCHAR[]) ELSE string_split(tags, '|') END AS tags
    FROM read_csv('${csv}', header = false, columns = {'email_verified': 'INTEGER',
      'optout_marketing_email': 'INTEGER', 'status': 'BIGINT', 'visit_count': 'BIGINT',
      'joined': 'INTEGER', 'tags': 'VARCHAR'})`);
  for (const expression of expressions) {
    const query = `SELECT count(*) FROM customers WHERE ${expression}`;
    const elapsed_s = [];
    let count;
    for (let i = 0; i < Number(times) + 1; i++) { // the first one warms up
      const start = process.hrtime.bigint();
      const rows = (await db.runAndReadAll(query)).getRows();
      if (i > 0) elapsed_s.push(Number(process.hrtime.bigint() - start) / 1e9);
      count = Number(rows[0][0]);
    }
    console.log(JSON.stringify({ count, elapsed_s }));
  }
}

main().catch((error) => {
  console.error(String(error.message).split("\n")[0]);
  process.exit(1);
});
