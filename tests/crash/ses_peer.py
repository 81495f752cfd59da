"""A stand-in for Amazon SES that outlives kills: ses_peer.py PORT FILE SHARE SEED. Each mail it takes is a
line {"to", "id", "job"} in FILE before its call is answered; SHARE of the calls are never answered. The
shape of calls and replies: Amazon SES API v2 reference, SendEmail and SendBulkEmail."""
import asyncio, json, random, sys

port, path, share, seed = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
box = open(path, "a", buffering=1)
dice = random.Random(seed)
taken = 0


def take(body):
    """The reply to a call, after its mails are in the box."""
    global taken
    entries = body.get("BulkEmailEntries") or [body]
    lines, results = [], []
    for entry in entries:
        taken += 1
        tags = entry.get("ReplacementTags") or entry.get("EmailTags")
        lines.append(json.dumps({"to": entry["Destination"]["ToAddresses"][0], "id": tags[0]["Value"]}))
        results.append({"Status": "SUCCESS", "MessageId": f"ses-{taken}"})
    box.write("\n".join(lines) + "\n")
    return {"BulkEmailEntryResults": results} if "BulkEmailEntries" in body else {"MessageId": f"ses-{taken}"}


async def talk(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            if "expect: 100-continue" in head:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            reply = json.dumps(take(json.loads(await reader.readexactly(length)))).encode()
            if dice.random() < share:
                break
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                         % (len(reply), reply))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(talk, "127.0.0.1", port, limit=1 << 22)
    print("ready", flush=True)
    await server.serve_forever()


asyncio.run(main())
