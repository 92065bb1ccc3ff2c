// stepwell
// Tells Stepwell what this session does. It depends on nothing, can fail without anybody noticing,
// and waits for no answer longer than a few seconds.
import { spawn } from "node:child_process"

const HOOK: string[] = ["stepwell"]
const PATIENCE_MS = 5000

const tell = (event: string, payload: unknown): Promise<void> =>
  new Promise((done) => {
    try {
      const child = spawn(HOOK[0], [...HOOK.slice(1), event], {
        stdio: ["pipe", "ignore", "ignore"],
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

const EVENTS = [
  "session_start",
  "input",
  "tool_call",
  "tool_result",
  "agent_end",
  "session_shutdown",
]

export default function (pi: any) {
  for (const name of EVENTS) {
    pi.on(name, async (event: any, ctx: any) => {
      try {
        const { messages, ...rest } = event ?? {}
        const session = ctx?.sessionManager?.getSessionFile?.() ?? "session"
        await tell(name, { ...rest, type: name, cwd: ctx?.cwd, session })
      } catch {}
    })
  }
}
