import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { InterfaceSpec } from '@ict/plugin-api';
import { memoryTree } from '@ict/plugin-testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { addInitrdModules } from '../../src/compose/initrd-modules.js';
import { configureNetwork, netplanText, networkdText } from '../../src/compose/configure-network.js';

const plain: InterfaceSpec = { name: 'e0', dhcp4: false, dhcp6: false, addresses: [], routes: [], nameservers: [] };
const fixed: InterfaceSpec = {
  name: 'enp1s0',
  dhcp4: false,
  dhcp6: true,
  addresses: ['192.0.2.10/24', '2001:db8::2/64'],
  routes: [
    { to: 'default', via: '192.0.2.1' },
    { to: '10.0.0.0/8', via: '192.0.2.2' },
  ],
  nameservers: ['192.0.2.53'],
};
const ENV = { PATH: '/usr/bin' };

describe('systemd-networkd', () => {
  it.each([
    [true, true, 'yes'],
    [true, false, 'ipv4'],
    [false, true, 'ipv6'],
    [false, false, 'no'],
  ])('dhcp4 %s, dhcp6 %s is DHCP=%s', (dhcp4, dhcp6, expected) => {
    expect(networkdText({ ...plain, dhcp4, dhcp6 })).toBe(`[Match]\nName=e0\n\n[Network]\nDHCP=${expected}\n`);
  });

  it('gets a file for each interface, and is switched on', async () => {
    const tree = memoryTree({ files: { '/usr/lib/systemd/systemd-networkd': '' } });
    await configureNetwork({ backend: 'systemd-networkd', interfaces: [fixed, plain] }, tree, ENV);
    expect(new TextDecoder().decode(await tree.read('/etc/systemd/network/60-enp1s0.network'))).toBe(
      '[Match]\nName=enp1s0\n\n[Network]\nDHCP=ipv6\nAddress=192.0.2.10/24\nAddress=2001:db8::2/64\nDNS=192.0.2.53\n\n' +
        '[Route]\nGateway=192.0.2.1\n\n[Route]\nDestination=10.0.0.0/8\nGateway=192.0.2.2\n',
    );
    expect(await tree.read('/etc/systemd/network/60-e0.network')).toBeDefined();
    expect(tree.commands.map(({ argv }) => argv)).toEqual([['systemctl', 'enable', 'systemd-networkd.service']]);
  });
});

describe('netplan', () => {
  it('gets one file that only root may read', async () => {
    const tree = memoryTree({ files: { '/usr/sbin/netplan': '' } });
    await configureNetwork({ backend: 'netplan', interfaces: [fixed] }, tree, ENV);
    const file = '/etc/netplan/60-image-composer-tool.yaml';
    expect((await tree.stat(file))?.mode).toBe(0o600);
    expect(JSON.parse(new TextDecoder().decode(await tree.read(file)))).toEqual({
      network: {
        version: 2,
        renderer: 'networkd',
        ethernets: {
          enp1s0: {
            dhcp4: false,
            dhcp6: true,
            addresses: fixed.addresses,
            routes: fixed.routes,
            nameservers: { addresses: fixed.nameservers },
          },
        },
      },
    });
    expect(tree.commands).toEqual([]);
  });

  it('itself makes of the file what we write for systemd-networkd', async () => {
    const root = await mkdtemp(path.join(tmpdir(), 'ict-netplan-'));
    onTestFinished(() => rm(root, { recursive: true }));
    await mkdir(path.join(root, 'etc/netplan'), { recursive: true });
    await writeFile(path.join(root, 'etc/netplan/60.yaml'), netplanText([fixed]), { mode: 0o600 });
    await promisify(execFile)('netplan', ['generate', '--root-dir', root]);
    const made = await readFile(path.join(root, 'run/systemd/network/10-netplan-enp1s0.network'), 'utf8');
    for (const line of [
      'Name=enp1s0',
      'DHCP=ipv6',
      'Address=192.0.2.10/24',
      'DNS=192.0.2.53',
      'Destination=10.0.0.0/8',
      'Gateway=192.0.2.1',
    ]) {
      expect(made).toContain(line);
    }
  });
});

it('refuses a backend that is not in the image', async () => {
  const tree = memoryTree({ files: { '/usr/sbin/netplan': '' } });
  await expect(configureNetwork({ backend: 'systemd-networkd', interfaces: [plain] }, tree, ENV)).rejects.toMatchObject({
    code: 'ICT_NETWORK_BACKEND',
  });
});

describe('modules of the initrd', () => {
  it.each([
    ['initramfs-tools', '/usr/share/initramfs-tools/hooks', '/usr/share/initramfs-tools/modules.d/image-composer-tool.conf', 'a\nb\n'],
    ['dracut', '/usr/lib/dracut/modules.d', '/etc/dracut.conf.d/60-image-composer-tool.conf', 'add_drivers+=" a b "\n'],
  ])('are told to %s', async (_maker, shownBy, file, text) => {
    const tree = memoryTree({ files: { [`${shownBy}/x`]: '' } });
    await addInitrdModules(['a', 'b'], tree);
    expect(new TextDecoder().decode(await tree.read(file))).toBe(text);
  });

  it('need a maker of initrds', async () => {
    await expect(addInitrdModules(['a'], memoryTree({ files: {} }))).rejects.toMatchObject({ code: 'ICT_INITRD_MODULES' });
  });
});
