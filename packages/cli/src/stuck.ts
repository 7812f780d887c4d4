import { cliError } from './errors.js';

/** The part of `process` that tells when nothing is left to wait for. */
export interface IdleSource {
  on(event: 'beforeExit', listener: () => void): unknown;
  off(event: 'beforeExit', listener: () => void): unknown;
}

/**
 * What `work` gives, unless nothing is left that could end it: Node would end the process then, with a warning and a status of its own.
 *
 * @throws `ICT_CLI_STUCK`
 */
export async function unlessStuck<T>(work: Promise<T>, source: IdleSource): Promise<T> {
  const { promise: stuck, reject } = Promise.withResolvers<never>();
  let isKnown = false;
  const listener = (): void => {
    // Whoever knows better what is stuck, such as a call of a plugin, says so now; what follows from that may take its time.
    if (isKnown) reject(stuckError());
    isKnown = true;
    setImmediate(() => undefined); // Node asks again when there was something to do
  };
  source.on('beforeExit', listener);
  try {
    return await Promise.race([work, stuck]);
  } finally {
    source.off('beforeExit', listener);
  }
}

function stuckError(): Error {
  return cliError('ICT_CLI_STUCK', {
    message: 'the command waits for what never comes',
    hint: 'This is a fault of ict or of a plugin: run the command again with --verbose, and report what it says.',
  });
}
