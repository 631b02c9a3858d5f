/// <reference lib="dom" />
// The page of the test of components: LangGraph's own loader shows one that the server built.
import { Client } from "@langchain/langgraph-sdk";
import { LoadExternalComponent } from "@langchain/langgraph-sdk/react-ui";
import { createElement } from "react";
import { createRoot } from "react-dom/client";

const address = new URL(location.href).searchParams;
const client = new Client({ apiUrl: address.get("server") ?? "" });
const stream = { client, assistantId: address.get("assistant") ?? "" } as never;
const message = { type: "ui", id: "1", name: "weather", props: { city: "Ulm" } } as never;
createRoot(document.body).render(createElement(LoadExternalComponent, { stream, message }));
