import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { cliError } from './errors.js';
import type { Drawing } from './svg.js';

/** Edges beyond which a layout takes many minutes, and no one could read it. */
const MAX_EDGES = 4000;

const WORKER = new URL('./svg-worker.js', import.meta.url);

/**
 * Draws a graph in a thread of its own, so that a signal can stop it.
 *
 * @param worker module that draws what it is given.
 * @throws `ICT_CLI_GRAPH_TOO_LARGE` at once; the reason of the signal.
 */
export async function drawInThread(drawing: Drawing, signal: AbortSignal, worker: URL = WORKER): Promise<string> {
  if (drawing.edges > MAX_EDGES) {
    throw cliError('ICT_CLI_GRAPH_TOO_LARGE', {
      message: `a graph of ${drawing.edges} edges is too large to be drawn; the limit is ${MAX_EDGES}`,
      hint: 'Leave out what other ways imply with --reduce, or take the DOT graph to a tool for large graphs.',
      facts: { edges: drawing.edges, limit: MAX_EDGES },
    });
  }
  signal.throwIfAborted();
  const thread = new Worker(worker, { workerData: drawing });
  try {
    const [svg] = (await once(thread, 'message', { signal })) as [string];
    return svg;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    await thread.terminate();
  }
}
