import { hasCode, type FetchRequest } from '@ict/plugin-api';
import type { StoreAnswer, Transport } from './store.js';

/** What an address has, as the answer of a store. */
export async function download(
  fetcher: Transport['fetcher'],
  request: FetchRequest & { readonly authorization?: string },
): Promise<StoreAnswer | undefined> {
  try {
    return { file: (await fetcher.fetch(request)).file };
  } catch (error) {
    if (hasCode(error, 'ICT_FETCH_NOT_FOUND')) return undefined;
    if (hasCode(error, 'ICT_FETCH_TOO_LARGE')) return { fault: `it is larger than ${request.maxBytes} bytes` };
    if (hasCode(error, 'ICT_FETCH_MISMATCH')) return { fault: 'it has another size or digest than was announced' };
    throw error;
  }
}
