import type { FactoryProvider } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** The host's HTTP adapter, for providers. */
export const ADAPTER_HOST = Symbol('Djaffar HTTP adapter');

/**
 * Nest identifies `HttpAdapterHost` by its class. The host has none of this class if it runs on another copy of Nest than
 * this package, which happens if two workspaces of a repository have different versions.
 */
export const ADAPTER_HOST_PROVIDER: FactoryProvider<HttpAdapterHost> = {
  provide: ADAPTER_HOST,
  inject: [{ token: HttpAdapterHost, optional: true }],
  useFactory: (found?: HttpAdapterHost) => {
    if (found) return found;
    throw new Error(
      'DjaffarModule: the application runs on another copy of @nestjs/core than nestjs-djaffar. `npm ls @nestjs/core` lists the ' +
        'copies. Use one version of Nest in all workspaces, or have each workspace install its packages for itself: ' +
        '`npm install --install-strategy=nested`.',
    );
  },
};
