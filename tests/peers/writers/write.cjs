// Writes the customers of a JSON file as polars.arrow (its defaults: views, large lists) and
// apache-arrow.arrow. Usage: node write.cjs PEOPLE.json DIR
'use strict';
const fs = require('fs');
const path = require('path');
const pl = require('nodejs-polars');
const arrow = require('apache-arrow');

const people = JSON.parse(fs.readFileSync(process.argv[2]));
const dir = process.argv[3];
const texts = [ 'id', 'first_name', 'email', 'phone', 'locale', 'push_token' ];
const flags = [ 'email_verified', 'enrolled', 'active' ];
const text = (v) => (v === '' ? null : v); // an empty field of the table is no value
const all = (name, make = text) => people.map((p) => make(p[name]));
const flag = (v) => v === 'true';
const date = (v) => new Date(v);

function polars()
{
    const nested = Buffer.from(people.map((p) => JSON.stringify({bookings : p.bookings}) + '\n').join(''));
    const columns = {};
    for (const name of texts)
        columns[name] = pl.Series(name, all(name), pl.Utf8);
    for (const name of flags)
        columns[name] = pl.Series(name, all(name, flag), pl.Bool);
    columns.joined = pl.Series('joined', all('joined', date), pl.Datetime('ms')).cast(pl.Datetime('us', 'UTC'));
    columns.price = pl.Series('price', all('price', Number), pl.Float64);
    columns.visits_left = pl.Series('visits_left', all('visits_left', Number), pl.Int16);
    columns.tags = pl.Series('tags', all('tags', (v) => v), pl.List(pl.Utf8));
    columns.bookings = pl.readJSON(nested, {format : 'lines', inferSchemaLength : people.length}).getColumn('bookings');
    fs.writeFileSync(path.join(dir, 'polars.arrow'), pl.DataFrame(columns).writeIPC({compression : 'lz4'}));
}

function apacheArrow()
{
    const field = (name, type) => new arrow.Field(name, type, true);
    const utf8 = new arrow.Utf8();
    const booking = new arrow.Struct([ field('class_name', utf8), field('seats', new arrow.Int32()) ]);
    const columns = {};
    for (const name of texts)
        columns[name] = arrow.vectorFromArray(all(name), name === 'locale' ? new arrow.Dictionary(utf8, new arrow.Int8()) : utf8);
    for (const name of flags)
        columns[name] = arrow.vectorFromArray(all(name, flag), new arrow.Bool());
    columns.joined = arrow.vectorFromArray(all('joined', date), new arrow.TimestampMillisecond('UTC'));
    columns.price = arrow.vectorFromArray(all('price', Number), new arrow.Float64());
    columns.visits_left = arrow.vectorFromArray(all('visits_left', Number), new arrow.Int32());
    columns.tags = arrow.vectorFromArray(all('tags', (v) => v), new arrow.List(field('item', utf8)));
    columns.bookings = arrow.vectorFromArray(all('bookings', (v) => v), new arrow.List(field('item', booking)));
    fs.writeFileSync(path.join(dir, 'apache-arrow.arrow'), arrow.tableToIPC(new arrow.Table(columns), 'file'));
}

polars();
apacheArrow();
