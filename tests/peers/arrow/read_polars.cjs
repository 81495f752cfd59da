// Says how many rows and columns polars finds in an Arrow file. Usage: node read_polars.cjs FILE
'use strict';
const pl = require('nodejs-polars');
const frame = pl.readIPC(require('fs').readFileSync(process.argv[2]));
console.log(`${frame.height} ${frame.width}`);
