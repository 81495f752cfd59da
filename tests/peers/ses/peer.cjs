// SES on loopback: aws-ses-v2-local behind a door that checks every signature with aws4 and can do what
// that server does not: refuse an entry, a call, or for now.
//   peer.cjs ACCESS_KEY SECRET_KEY [SESSION_TOKEN]
// Addresses say what happens: rejected-* always, busy-* and transient-* the first time are refused by
// the entry; a call with a poison-* among others is refused whole. The second call is throttled.
const http = require('http')
const aws4 = require('aws4')
const ses = require('aws-ses-v2-local').default

const [accessKeyId, secretAccessKey, sessionToken] = process.argv.slice(2)
const seen = new Set()
const report = {calls: 0, largest: 0, single: 0, bad_signatures: 0, throttled: 0, poisoned: 0, wrong: []}

function signedRight(request, body) {
    const headers = {}
    const names = (/SignedHeaders=([^,]*)/.exec(request.headers.authorization || '') || [])[1] || ''
    for (const name of names.split(';')) headers[name] = request.headers[name]
    const signed = aws4.sign({service: 'ses', region: 'eu-west-1', method: request.method, path: request.url,
                              headers, body, extraHeadersToIgnore: {'content-length': true}},
                             {accessKeyId, secretAccessKey, sessionToken})
    const age = Date.now() - Date.parse((headers['x-amz-date'] || '').replace(
        /(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, '$1-$2-$3T$4:$5:$6Z'))
    return ['host', 'x-amz-date', 'content-type'].every((name) => names.split(';').includes(name)) &&
        Math.abs(age) < 300000 && signed.headers.Authorization === request.headers.authorization
}

function refusal(address) {
    const first = !seen.has(address)
    seen.add(address)
    if (address.startsWith('rejected-')) return 'MESSAGE_REJECTED'
    if (address.startsWith('busy-') && first) return 'ACCOUNT_THROTTLED'
    if (address.startsWith('transient-') && first) return 'TRANSIENT_FAILURE'
}

function refuse(reply, status, type, message) {
    reply.writeHead(status, {'x-amzn-ErrorType': `${type}:http://internal.amazon.com/`, 'Content-Type': 'application/json'})
    reply.end(JSON.stringify({message}))
}

async function forward(request, body, port) {
    const answer = await fetch(`http://127.0.0.1:${port}${request.url}`, {
        method: request.method, body,
        headers: {'Content-Type': 'application/json', Authorization: request.headers.authorization}})
    return {status: answer.status, json: await answer.json()}
}

async function bulk(request, reply, call, port) {
    const to = call.BulkEmailEntries.map((entry) => entry.Destination.ToAddresses[0])
    report.largest = Math.max(report.largest, to.length)
    if (to.length > 50) report.wrong.push(`${to.length} entries`)
    if (to.some((a) => a.startsWith('poison-'))) {
        report.poisoned++
        return refuse(reply, 400, 'BadRequestException', 'something in it')
    }
    const refused = to.map(refusal)
    const entries = call.BulkEmailEntries.filter((entry, i) => !refused[i])
    const {status, json} = entries.length === 0 ? {status: 200, json: {BulkEmailEntryResults: []}}
        : await forward(request, JSON.stringify({...call, BulkEmailEntries: entries}), port)
    if (status !== 200) report.wrong.push(json)
    const taken = status === 200 ? json.BulkEmailEntryResults : []
    const results = refused.map((Status) => Status ? {Status, Error: `it is ${Status}`} : taken.shift())
    reply.writeHead(status, {'Content-Type': 'application/json'})
    reply.end(JSON.stringify(status === 200 ? {BulkEmailEntryResults: results} : json))
}

async function answer(request, reply, body, port) {
    if (!signedRight(request, body)) {
        report.bad_signatures++
        return refuse(reply, 403, 'SignatureDoesNotMatch', 'The request signature we calculated does not match')
    }
    report.calls++
    if (Buffer.byteLength(body) > 1000000) report.wrong.push(`${Buffer.byteLength(body)} bytes`)
    if (report.calls === 2) {
        report.throttled++
        return refuse(reply, 429, 'TooManyRequestsException', 'Maximum sending rate exceeded.')
    }
    if (request.url === '/v2/email/outbound-bulk-emails') return bulk(request, reply, JSON.parse(body), port)
    report.single++
    const [to] = JSON.parse(body).Destination.ToAddresses
    if (to.startsWith('rejected-')) return refuse(reply, 400, 'MessageRejected', 'a virus')
    const {status, json} = await forward(request, body, port)
    if (status !== 200) report.wrong.push(json)
    reply.writeHead(status, {'Content-Type': 'application/json'})
    reply.end(JSON.stringify(json))
}

async function main() {
    const server = await ses({host: '127.0.0.1', port: 0})
    const port = server.address().port
    const door = http.createServer((request, reply) => {
        const parts = []
        request.on('data', (part) => parts.push(part))
        request.on('end', () => answer(request, reply, Buffer.concat(parts).toString(), port).catch((error) => {
            report.wrong.push(String(error))
            reply.destroy()
        }))
    })
    door.listen(Number(process.env.PEER_PORT), '127.0.0.1', () => console.error('ready'))
    process.on('SIGTERM', async () => {
        report.emails = (await (await fetch(`http://127.0.0.1:${port}/store`)).json()).emails
        console.log(JSON.stringify(report))
        process.exit(0)
    })
}
main()
