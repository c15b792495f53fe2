// How the panel uses the API: every type below comes from docs/openapi.json, none is written by hand.

import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./api";

export type Api = Client<paths>;
export type Plugin = components["schemas"]["PluginOut"];
export type Installation = components["schemas"]["InstallOut"];
export type Delivery = components["schemas"]["DeliveryOut"];
export type DeliveryStatus = components["schemas"]["DeliveryStatus"];
export type Problem = components["schemas"]["Problem"];

/** The token is asked for before every request, since Supabase renews it. */
export function connect(baseUrl: string, token: () => Promise<string>): Api {
  const api = createClient<paths>({ baseUrl });
  api.use({
    async onRequest({ request }) {
      request.headers.set("Authorization", `Bearer ${await token()}`);
      return request;
    },
  });
  return api;
}

/** What went wrong, for what has no answer of its own. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(`${problem.title}: ${problem.detail}`);
  }
}

export async function listPlugins(api: Api): Promise<Plugin[]> {
  const { data, error } = await api.GET("/api/plugins");
  if (!data) throw new Refused(error);
  return data.items;
}

export type Installed =
  | { done: true; installation: Installation; etag: string | null }
  | { done: false; reason: string; faults: Record<string, string> };

/** Installs a plugin. The key makes it safe to call again when no answer came; keep it until one did. */
export async function install(
  api: Api,
  store_id: string,
  slug: string,
  config: Record<string, unknown>,
  key: string,
): Promise<Installed> {
  const { data, error, response } = await api.POST("/api/stores/{store_id}/plugins", {
    params: { path: { store_id }, header: { "Idempotency-Key": key } },
    body: { plugin: slug, config },
  });
  if (data) return { done: true, installation: data, etag: response.headers.get("ETag") };
  switch (error.code) {
    case "config_rejected":
    case "body_rejected":
      return {
        done: false,
        reason: error.detail,
        faults: Object.fromEntries((error.faults ?? []).map((fault) => [fault.pointer, fault.message])),
      };
    case "already_installed":
    case "module_not_in_plan":
      return { done: false, reason: error.title, faults: {} };
    // @ts-expect-error: no code of this operation, so a word that is misspelt does not compile
    case "replays_busy":
      throw new Error("never");
    default:
      throw new Refused(error);
  }
}

/** Goes through all deliveries with one of these states, newest first, page by page. */
export async function* deliveries(api: Api, store_id: string, status: DeliveryStatus[]): AsyncGenerator<Delivery> {
  let cursor: string | null = null;
  do {
    const page: { items: Delivery[]; next_cursor: string | null } = await deliveryPage(api, store_id, status, cursor);
    yield* page.items;
    cursor = page.next_cursor;
  } while (cursor !== null);
}

async function deliveryPage(api: Api, store_id: string, status: DeliveryStatus[], cursor: string | null) {
  const query = cursor === null ? { status } : { status, cursor };
  const { data, error } = await api.GET("/api/stores/{store_id}/deliveries", { params: { path: { store_id }, query } });
  if (!data) throw new Refused(error);
  return data;
}

/** Has every failed delivery go again, and returns how many did. */
export async function replayFailed(api: Api, store_id: string): Promise<number> {
  let replayed = 0;
  for await (const delivery of deliveries(api, store_id, ["failed", "expired"])) {
    const { data, error } = await api.POST("/api/stores/{store_id}/deliveries/{delivery_id}/replay", {
      params: { path: { store_id, delivery_id: delivery.id }, header: { "Idempotency-Key": `again-${delivery.id}` } },
    });
    if (data) replayed += 1;
    else if (error.code !== "not_replayable" && error.code !== "delivery_pending") throw new Refused(error);
  }
  return replayed;
}

/** Changes a configuration upon the state that was read; returns null if somebody else changed it meanwhile. */
export async function configure(
  api: Api,
  store_id: string,
  slug: string,
  change: (config: Installation["config"]) => Installation["config"],
): Promise<Installation | null> {
  const path = { store_id, slug };
  const read = await api.GET("/api/stores/{store_id}/plugins/{slug}", { params: { path } });
  if (!read.data) throw new Refused(read.error);
  const { data, error } = await api.PUT("/api/stores/{store_id}/plugins/{slug}", {
    params: { path, header: { "If-Match": read.response.headers.get("ETag") ?? "*" } },
    body: { config: change(read.data.config) },
  });
  if (data) return data;
  if (error.code === "changed_meanwhile") return null;
  throw new Refused(error);
}

export type Channel = components["schemas"]["ChannelOut"];

/** Begins to link the store's phone: what to show is in the answer, the picture of a code, or that the phone is linked already. */
export async function linkWhatsApp(api: Api, store_id: string) {
  const { data, error } = await api.POST("/api/stores/{store_id}/whatsapp/connect", { params: { path: { store_id } }, body: {} });
  if (!data) throw new Refused(error);
  return data;
}

/** Queues a message; the key makes it safe to call again when no answer came. Returns the id under which it is listed. */
export async function sendWhatsApp(api: Api, store_id: string, customer_phone: string, text: string, key: string) {
  const { data, error } = await api.POST("/api/stores/{store_id}/whatsapp/send", {
    params: { path: { store_id }, header: { "Idempotency-Key": key } },
    body: { customer_phone, text },
  });
  if (!data) throw new Refused(error);
  return data;
}
