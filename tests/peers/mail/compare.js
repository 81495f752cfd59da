// Usage: compare.js CASES, as compare.py left them.
'use strict';
const fs = require('fs');
const {simpleParser} = require('mailparser');

const headerValue = (s) => (s || '').replace(/\r\n/g, ' ').replace(/[\x00-\x1f\x7f]/g, ' ');
const bodyValue = (s) => s.replace(/\r\n?/g, '\n').replace(/\n?$/, '\n');
// mailparser trims values and collapses blanks; that is its own taste
const loose = (s) => (s || '').replace(/\s+/gu, ' ').trim();

async function check({case: wanted, message}) {
    const mail = await simpleParser(Buffer.from(message, 'base64'), {skipTextToHtml: true, skipHtmlToText: true, skipTextLinks: true, skipImageLinks: true});
    const bad = [];
    const same = (what, a, b) => { if (a !== b) bad.push(`${what}: ${JSON.stringify(a)} is not ${JSON.stringify(b)}`); };
    same('subject', loose(mail.subject), loose(headerValue(wanted.subject)));
    same('senders', mail.from.value.length, 1);
    same('recipients', mail.to.value.length, 1);
    same('from', mail.from.value[0].address, wanted.from);
    same('to', mail.to.value[0].address, wanted.to);
    same('from name', loose(mail.from.value[0].name), loose(headerValue(wanted.from_name)));
    same('to name', loose(mail.to.value[0].name), loose(headerValue(wanted.to_name)));
    same('id', mail.messageId, `<${wanted.message_id}>`);
    same('date', mail.date.getTime(), wanted.date_s * 1000);
    same('bcc', mail.headers.has('bcc'), false);
    same('attachments', mail.attachments.length, 0);
    same('unsubscribe', mail.headers.get('list')?.unsubscribe?.url, wanted.unsubscribe || undefined);
    if (wanted.text !== null) same('text', bodyValue(mail.text || ''), bodyValue(wanted.text));
    if (wanted.html !== null) same('html', bodyValue(mail.html || ''), bodyValue(wanted.html));
    return bad;
}

async function main() {
    const cases = fs.readFileSync(process.argv[2], 'utf8').trimEnd().split('\n').map((l) => JSON.parse(l));
    let differ = 0;
    for (const [i, one] of cases.entries()) {
        const bad = await check(one);
        if (bad.length && ++differ <= 5) console.error(`mail ${i}: ${bad.join('; ').slice(0, 2000)}`);
    }
    console.log(`mail: ${cases.length} messages through mailparser, ${differ} differ`);
    process.exit(differ ? 1 : 0);
}

main();
