import { addressOf, printedAddress } from './address.js';
import { download } from './download.js';
import type { Store, Transport } from './store.js';

/** A server of GET and HEAD, and of PUT for who uploads: each place is an address below its own. */
export function openHttpStore(base: URL, { fetcher, client }: Transport): Store {
  return {
    name: printedAddress(base.href),
    get: (request) => download(fetcher, { ...request, url: addressOf(base, request.place) }),
    async has(place) {
      const { status } = await client.send({ method: 'HEAD', url: addressOf(base, place), accept: [404, 410] });
      return status < 300;
    },
    async put(place, file) {
      await client.send({ method: 'PUT', url: addressOf(base, place), body: { file } });
    },
  };
}
