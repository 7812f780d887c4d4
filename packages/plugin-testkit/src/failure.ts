import { toErrorRecord } from '@ict/plugin-api';

/** How a call failed, as plain data for `toEqual`: the kind of an ICT error, or why that cannot be said. */
export async function failureKind(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    const { code, kind, message } = toErrorRecord(error);
    return code === 'ICT_INTERNAL' ? `not an ICT error: ${message}` : kind;
  }
  return 'no failure';
}

/** True when the call fails in any way. */
export async function fails(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
  } catch {
    // Any failure is what was asked for; its kind does not matter here.
    return true;
  }
  return false;
}
