// The peer BullMQ + Nodemailer. `fill` queues one job for each reader, `work` renders and sends.
// What it is given is JSON in the environment variable PEER.
import { readFileSync } from 'node:fs'
import { Queue, Worker } from 'bullmq'
import IORedis from 'ioredis'
import nodemailer from 'nodemailer'

const given = JSON.parse(process.env.PEER)
const redis = () => new IORedis({ path: given.redis, maxRetriesPerRequest: null })
const read = (path) => JSON.parse(readFileSync(path, 'utf8'))
const CHUNK = 1000

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escaped = (text) => text.replace(/[&<>"']/g, (one) => ENTITIES[one])
const plain = (text) => text

// A template as a function: literal pieces and field names in turn.
function compiled(source, safe) {
  const pieces = source.split(/\{\{ (\w+) \}\}/)
  return (values) => {
    let text = pieces[0]
    for (let n = 1; n < pieces.length; n += 2) text += safe(values[pieces[n]]) + pieces[n + 1]
    return text
  }
}

async function fill() {
  const queue = new Queue(given.queue, { connection: redis() })
  await queue.obliterate({ force: true })
  const jobs = read(given.readers).map((data) => ({ name: 'mail', data }))
  for (let at = 0; at < jobs.length; at += CHUNK) await queue.addBulk(jobs.slice(at, at + CHUNK))
  process.exit(0)
}

function work() {
  const { subject, text, html } = read(given.template)
  const inText = compiled(text, plain)
  const inHtml = compiled(html, escaped)
  const transport = nodemailer.createTransport({
    pool: true,
    host: '127.0.0.1',
    port: given.port,
    ignoreTLS: true,
    maxConnections: given.connections,
    maxMessages: Infinity,
  })
  const send = async ({ data }) => {
    await transport.sendMail({
      from: '"みなと職能協会 保険係" <hoken@example.jp>',
      to: { name: `${data.name} 様`, address: data.email },
      replyTo: 'toiawase@example.jp',
      subject,
      text: inText(data),
      html: inHtml(data),
      textEncoding: 'base64', // as ours, and the cheapest for it
    })
  }
  const worker = new Worker(given.queue, send, {
    connection: redis(),
    concurrency: given.concurrency,
    removeOnComplete: { count: 0 },
  })
  worker.on('failed', (_, error) => {
    console.error(error)
    process.exit(1)
  })
}

if (process.argv[2] === 'fill') await fill()
else work()
