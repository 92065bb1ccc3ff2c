// stepwell
// Tells Stepwell what this session does. It depends on nothing, can fail without anybody noticing,
// and waits for no answer longer than a few seconds.
import { spawn } from "node:child_process"

const HOOK = ["stepwell"]
const PATIENCE_MS = 5000

const tell = (event, payload) =>
  new Promise((done) => {
    try {
      const child = spawn(HOOK[0], [...HOOK.slice(1), event], {
        stdio: ["pipe", "ignore", "ignore"],
        detached: false,
      })
      const timer = setTimeout(done, PATIENCE_MS)
      const end = () => {
        clearTimeout(timer)
        done()
      }
      child.on("error", end)
      child.on("exit", end)
      child.stdin.on("error", () => {})
      child.stdin.end(JSON.stringify(payload))
    } catch {
      done()
    }
  })

const plain = (value) => {
  try {
    return JSON.parse(JSON.stringify(value ?? null))
  } catch {
    return null
  }
}

export const Stepwell = async ({ directory }) => {
  const hook = (event) => async (input, output) => {
    try {
      await tell(event, { cwd: directory, input: plain(input), output: plain(output) })
    } catch {}
  }
  return {
    "chat.message": hook("chat.message"),
    "tool.execute.before": hook("tool.execute.before"),
    "tool.execute.after": hook("tool.execute.after"),
    event: async ({ event }) => {
      try {
        if (event.type !== "session.created" && event.type !== "session.idle") return
        const session = event.properties.sessionID ?? event.properties.info?.id
        await tell("event:" + event.type, {
          cwd: directory,
          type: event.type,
          properties: { sessionID: session },
        })
      } catch {}
    },
  }
}
