// An FCM of its own: HTTP/2 over TLS, access tokens for assertions that `jose` verifies, and the answers
// of Google's error reference. What it takes goes to peer.ndjson; its counts are printed at SIGTERM.
import fs from "node:fs";
import http2 from "node:http2";
import { createPublicKey } from "node:crypto";
import { jwtVerify } from "jose";

const [, , tokenLifeS] = process.argv;
const account = JSON.parse(fs.readFileSync("account.json"));
const publicKey = createPublicKey(account.private_key);
const tokens = new Map(); // token -> when it ends
const seen = new Map(); // device token -> requests
const counts = { assertions: 0, sent: 0, unregistered: 0, refused: 0, throttled: 0, unavailable: 0,
                 unauthorized: 0, internal: 0, wrong: [], connections: 0, streams: 0 };
let underWay = 0;

const wrong = (what) => counts.wrong.length < 10 && counts.wrong.push(what);
const equal = (got, want, what) => JSON.stringify(got) === JSON.stringify(want) || wrong(`${what}: ${JSON.stringify(got)}`);

async function token(body) {
    const form = new URLSearchParams(body);
    equal(form.get("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer", "grant_type");
    try {
        const { payload, protectedHeader } = await jwtVerify(form.get("assertion"), publicKey, {
            algorithms: ["RS256"], issuer: account.client_email, audience: account.token_uri,
            maxTokenAge: "1m", requiredClaims: ["exp", "iat", "scope"] });
        equal(payload.scope, "https://www.googleapis.com/auth/firebase.messaging", "scope");
        equal(protectedHeader.kid, account.private_key_id, "kid");
        if (payload.exp - payload.iat > 3600) wrong("an assertion for more than an hour");
    } catch (error) {
        wrong(`assertion: ${error.message}`);
        return [400, { error: "invalid_grant", error_description: "Invalid JWT Signature." }];
    }
    counts.assertions++;
    const name = `ya29.${counts.assertions}-${Math.random().toString(36).slice(2)}`;
    tokens.set(name, Date.now() + tokenLifeS * 1000);
    return [200, { access_token: name, expires_in: Number(tokenLifeS), token_type: "Bearer" }];
}

const refusal = (status, state, errorCode, more = {}, details = []) => [status, { error: {
    code: status, message: `${errorCode} of the peer`, status: state,
    details: [{ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", errorCode }, ...details] } }, more];

function send(headers, body) {
    const ends = tokens.get((headers.authorization ?? "").replace(/^Bearer /, ""));
    if (!ends || ends < Date.now()) {
        counts.unauthorized++;
        return [401, { error: { code: 401, message: "Request had invalid authentication credentials.", status: "UNAUTHENTICATED" } }];
    }
    const { message, ...rest } = JSON.parse(body);
    equal(rest, {}, "beside the message");
    equal(headers["content-type"], "application/json", "content-type");
    if (!message.notification?.body || !/^[0-9a-f]{32}$/.test(message.data?.id)) wrong(`message ${body}`);
    equal(message.android.notification.tag, message.data.id, "tag");
    const device = message.token;
    const times = (seen.get(device) ?? 0) + 1;
    seen.set(device, times);
    const kind = device.split("-")[0];
    if (kind === "gone") {
        counts.unregistered++;
        return refusal(404, "NOT_FOUND", "UNREGISTERED");
    }
    if (kind === "garbled") {
        counts.refused++;
        return refusal(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", {}, [{ "@type": "type.googleapis.com/google.rpc.BadRequest",
            fieldViolations: [{ field: "message.token", description: "Invalid registration token" }] }]);
    }
    if (kind === "foreign") {
        counts.refused++;
        return refusal(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH");
    }
    if (kind === "busy" && times === 1) {
        counts.throttled++;
        return refusal(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", { "retry-after": "1" });
    }
    if (kind === "down" && times === 1) {
        counts.unavailable++;
        return refusal(503, "UNAVAILABLE", "UNAVAILABLE", { "retry-after": "1" });
    }
    if (kind === "broken" && times === 1) {
        counts.internal++;
        return refusal(500, "INTERNAL", "INTERNAL", { "retry-after": "1" });
    }
    counts.sent++;
    const name = `projects/${account.project_id}/messages/${counts.sent}`;
    fs.appendFileSync("peer.ndjson", JSON.stringify({ to: device, body: message.notification.body, id: message.data.id, name }) + "\n");
    return [200, { name }];
}

const server = http2.createSecureServer({ key: fs.readFileSync("server.key"), cert: fs.readFileSync("server.pem") });
const used = new Set(); // the first session only asks whether there is HTTP/2
server.on("stream", (stream, headers) => {
    let body = "";
    counts.connections = used.add(stream.session).size;
    counts.streams = Math.max(counts.streams, ++underWay);
    stream.setEncoding("utf8");
    stream.on("error", () => {});
    stream.on("close", () => underWay--);
    stream.on("data", (data) => (body += data));
    stream.on("end", async () => {
        let reply = [404, "<html>"];
        if (headers[":path"] === "/token") reply = await token(body);
        else if (headers[":path"] === `/v1/projects/${account.project_id}/messages:send`) reply = send(headers, body);
        else wrong(`path ${headers[":path"]}`);
        setTimeout(() => {
            if (stream.destroyed) return;
            stream.respond({ ":status": reply[0], "content-type": "application/json; charset=UTF-8", ...reply[2] });
            stream.end(JSON.stringify(reply[1]));
        }, 5);
    });
});
server.listen(Number(new URL(account.token_uri).port), "127.0.0.1", () => console.error("ready"));
process.on("SIGTERM", () => { console.log(JSON.stringify(counts)); process.exit(0); });
