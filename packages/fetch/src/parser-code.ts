import { setFlagsFromString } from 'node:v8';
import type { buildConnector } from 'undici';

/** How many bytes of code, roughly, a function of WebAssembly runs before V8 compiles it again, well: what V8 has without being told. */
export const USUAL_TIERING_BUDGET = 13_000_000;
/** As much as some 500 MB of answers take. */
const PATIENT_TIERING_BUDGET = 2_000_000_000;

/**
 * A connector with whose first connection undici makes its parser of HTTP, which is WebAssembly, as code that V8 leaves as it is for long: to compile it
 * again brings nothing that can be seen (docs/decisions/0222-what-is-loaded-of-undici.md).
 *
 * V8 reads its setting when the module is made, so all others keep theirs. It is back before anything else can run: code that was kept is
 * not taken under another one.
 */
export function withPatientParser(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) => connect(options, (...outcome) => patiently(() => callback(...outcome)));
}

function patiently(make: () => void): void {
  setFlagsFromString(`--wasm-tiering-budget=${PATIENT_TIERING_BUDGET}`);
  try {
    make();
  } finally {
    setFlagsFromString(`--wasm-tiering-budget=${USUAL_TIERING_BUDGET}`);
  }
}
