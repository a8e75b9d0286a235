"use client";

import { graphql } from "@/lib/graphql";
import { useSteer, useVerb } from "@/lib/verb";
import { Button } from "./button";
import { useEnvironment } from "./environment";
import { Problems } from "./problems";
import { toast } from "./toast";

const AUTHENTICATE = graphql(`
  mutation Authenticate($input: AuthenticateSandboxPaymentInput!) {
    authenticateSandboxPayment(input: $input) {
      userErrors { code message field }
    }
  }
`);

const CONFIRM = graphql(`
  mutation ConfirmPayment($input: ConfirmPaymentInput!) {
    confirmPayment(input: $input) {
      payment { status }
      userErrors { code message field }
    }
  }
`);

/** A payment waits for its payer; in the sandbox that is whoever looks at this page. */
export function PayerConfirms({ paymentId }: { paymentId: string }) {
  const sandbox = useEnvironment()?.mode === "SANDBOX";
  const authenticate = useSteer(AUTHENTICATE);
  const confirm = useVerb(CONFIRM);
  const be = async (succeed: boolean) => {
    if (await authenticate.run({ input: { paymentId, success: succeed } })) {
      toast(succeed ? "The payer confirmed the payment" : "The payer refused the payment");
    }
  };
  return (
    <div className="rounded-md bg-ask-soft px-3 py-2.5 text-sm">
      <p className="font-medium text-ask">The bank asks the payer to confirm this payment (3-D Secure).</p>
      <p className="mb-2 text-ink">
        {sandbox
          ? "In the sandbox you are the payer. Stripe then tells the service by webhook, and what waited goes on by itself."
          : "Their browser confirms it with the payment's client secret; the service then hears of it by webhook."}
      </p>
      <Problems errors={[...authenticate.errors, ...confirm.errors]} />
      <div className="flex flex-wrap gap-2">
        {sandbox ? (
          <>
            <Button look="primary" needs="authenticateSandboxPayment" busy={authenticate.busy} onClick={() => be(true)}>
              Confirm as the payer
            </Button>
            <Button needs="authenticateSandboxPayment" busy={authenticate.busy} onClick={() => be(false)}>
              Refuse
            </Button>
          </>
        ) : null}
        <Button
          needs="confirmPayment"
          busy={confirm.busy}
          onClick={async () => {
            const answer = await confirm.run({ paymentId });
            if (answer?.payment) toast(`The payment is ${answer.payment.status.toLowerCase().replace("_", " ")}`);
          }}
        >
          Ask Stripe now
        </Button>
      </div>
    </div>
  );
}
