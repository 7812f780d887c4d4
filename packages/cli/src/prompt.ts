import { createInterface } from 'node:readline/promises';

/** Asks people. */
export interface Prompter {
  /** The answer without blanks around it; `otherwise` for an empty one. Ends with the signal's reason. */
  ask(question: string, otherwise: string, signal: AbortSignal): Promise<string>;
}

/** Asks on a terminal: questions on `output`, answers from `input`. */
export function terminalPrompter(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Prompter {
  return {
    async ask(question, otherwise, signal) {
      const lines = createInterface({ input, output });
      try {
        const shown = otherwise === '' ? `${question}: ` : `${question} [${otherwise}]: `;
        return (await lines.question(shown, { signal })).trim() || otherwise;
      } finally {
        lines.close();
      }
    },
  };
}
