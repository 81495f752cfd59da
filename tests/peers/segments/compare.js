// Usage: compare.js DRIVER [COUNT [SEED]]
'use strict';
const {spawnSync} = require('child_process');
const {SegmentedMessage} = require('sms-segments-calculator');

const [driver, count = 5000, firstSeed = 1] = process.argv.slice(2);

let state = Number(firstSeed);
function random(below) { // mulberry32
    state = (state + 0x6D2B79F5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
}
const pick = (list) => list[random(list.length)];
const character = (from, to) => String.fromCodePoint(from + random(to - from + 1));

const kinds = [
    () => character(0x20, 0x7E),
    () => pick([...'abcdefghij klmnop']),
    () => pick([...'^{}\\[~]|€\f']),
    () => pick([...'@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ ¤¡ÄÖÑÜ§¿äöñüà']),
    () => pick([...'çáíóúâêôãõœŒłŻ`\t\0\x1b\u00ad\u200b']),
    () => character(0x400, 0x4FF),
    () => character(0x4E00, 0x9FFF),
    () => character(0x1F300, 0x1F6FF),
    () => character(0x300, 0x36F),
    () => pick([...'eao']) + character(0x300, 0x304).repeat(random(4)),
    () => pick(['👨‍👩‍👧‍👦', '👩‍❤️‍👨', '👩‍🚀', '🏳️‍🌈', '👍🏽', '👩🏿‍🔬', '☝🏻', '⛹️‍♀️', '👩‍🦰', '🧑‍🤝‍🧑', '🏴‍☠️', '❤️‍🔥', '🫶🏽']),
    () => character(0x1F1E6, 0x1F1FF),
    () => character(0x1F1E6, 0x1F1FF) + character(0x1F1E6, 0x1F1FF),
    () => pick(['\r\n', '\r', '\n', '\n\r']),
    () => pick(['\u200D', '\uFE0F', '\u20E3', '🏻', '🏿', '\u0600', '\u{110BD}', '\u{E0061}', '\u{E0100}', '\u0E33', '\u0903']),
    () => character(0x1100, 0x11FF),
    () => character(0xAC00, 0xD7A3),
    () => pick([...'“”‘’…–—«»•½¼\u00a0\u2003\u3000\uff0c\u201a´']),
    () => pick(['क्षि', 'தமிழ்', 'ไทย', 'עִבְרִית', 'العَرَبِيَّة', 'བོད']),
    () => { const c = character(0, 0xE0FFF); return c >= '\ud800' && c <= '\udfff' ? '?' : c; },
];

function text() {
    const used = [];
    for (let n = 1 + random(3); n > 0; n--) used.push(pick(kinds));
    let limit = random(random(8) ? 220 : 700), out = '';
    while (out.length < limit) {
        const kind = pick(used);
        for (let n = 1 + random(random(3) ? 6 : 90); n > 0; n--) out += kind();
    }
    return Buffer.from(out, 'utf8').toString('utf8'); // without lone surrogates
}

const requests = [];
for (let i = 0; i < count; i++) requests.push([text(), i % 2 === 1]);
const input = requests.map((r) => JSON.stringify(r)).join('\n') + '\n';
const ours = spawnSync(driver, {input, maxBuffer: 1 << 28, encoding: 'utf8'});
if (ours.status !== 0) throw new Error('the driver failed: ' + ours.stderr);
const answers = ours.stdout.trimEnd().split('\n');

let differ = 0;
requests.forEach(([body, smart], i) => {
    const theirs = new SegmentedMessage(body, 'auto', smart);
    const gsm = theirs.encodingName === 'GSM-7';
    const per = theirs.segments.map((s) => s.messageSizeInBits() / (gsm ? 7 : 16));
    const wanted = JSON.stringify([theirs.encodingName, per.reduce((a, b) => a + b, 0), ...per]);
    if (wanted !== answers[i] && ++differ <= 5)
        console.error(`text ${i} smart ${smart}: ${JSON.stringify(body)}\n  calculator ${wanted}\n  volley     ${answers[i]}`);
});
console.log(`segments: ${requests.length} texts, ${differ} differ`);
process.exit(differ ? 1 : 0);
