/** The part of `process` that ends it, or keeps it from ending. */
export interface LingeringProcess {
  readonly stdout: { readonly writableLength: number };
  readonly stderr: { readonly writableLength: number; write(text: string): unknown };
  getActiveResourcesInfo(): readonly string[];
  exit(): void;
}

/** Time for what a command closed as it ended. */
const GRACE_MS = 2_000;

/** What every process has: its streams, and timers of Node itself. */
const OWN: ReadonlySet<string> = new Set(['PipeWrap', 'TTYWrap', 'FSReqCallback', 'Immediate']);

/**
 * Ends the process when a command has ended, and something that nobody closed keeps it open: a script would wait for it without an end.
 * What is still to be printed is printed first. A process that has nothing open ends by itself, and at once.
 */
export function endSoon(process: LingeringProcess): void {
  setTimeout(() => {
    if (process.stdout.writableLength + process.stderr.writableLength > 0) return endSoon(process);
    const open = [...new Set(process.getActiveResourcesInfo())].filter((name) => !OWN.has(name));
    const named = open.length === 0 ? '' : ` (${open.join(', ')})`;
    process.stderr.write(`warning: the command has ended, and something is left open${named}, maybe by a plugin: it ends now\n`);
    process.exit();
  }, GRACE_MS).unref();
}
