// For tests of webhooks: a real receiver on a local port that remembers what came and answers as it is told.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ReceivedNotice {
  id: string;
  path: string;
  headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: what a notice carries is what the tests are about
  body: any;
}

export interface WebhookReceiver extends AsyncDisposable {
  url: string;
  readonly notices: ReceivedNotice[];
  /** Answers each notice; @default 200 at once. */
  answer: (notice: ReceivedNotice, response: ServerResponse) => void;
}

export async function startReceiver(): Promise<WebhookReceiver> {
  const notices: ReceivedNotice[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const notice = {
      id: String(request.headers["webhook-id"]),
      path: request.url ?? "",
      headers: request.headers,
      body: JSON.parse(text),
    };
    notices.push(notice);
    receiver.answer(notice, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    notices,
    answer: (_notice, response) => response.end("ok"),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}
