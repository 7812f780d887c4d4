import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type * as Undici from 'undici';
import { expect, it, onTestFinished } from 'vitest';

const chunk = new URL('../bundle/undici.js', import.meta.url).href;
const { default: undici } = (await import(chunk)) as { readonly default: typeof Undici };

it('has of undici what goes directly to a server', async () => {
  const server = createServer((request, response) => response.end(`${request.method} ${request.url}`)).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const agent = new undici.Agent({ allowH2: false, connect: undici.buildConnector({ allowH2: false }) });
  onTestFinished(() => agent.destroy());
  const { body } = await agent.request({ origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, path: '/a', method: 'GET' });
  expect(await body.text()).toBe('GET /a');
});

it('has of undici what asks a proxy for a server', async () => {
  const asked: string[] = [];
  const proxy = createServer().on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  proxy.listen(0, '127.0.0.1');
  onTestFinished(() => void proxy.close());
  await once(proxy, 'listening');
  const agent = new undici.EnvHttpProxyAgent({ httpsProxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, noProxy: '' });
  onTestFinished(() => agent.destroy());
  await expect(agent.request({ origin: 'https://cache.invalid', path: '/a', method: 'GET' })).rejects.toThrow('403');
  expect(asked).toEqual(['CONNECT cache.invalid:443']);
});
