-- Coupon response per household and campaign.
--
-- Decision: whom to send the coupons of a campaign. Origin: the day before the campaign starts; target: 1 if the household
-- redeems any coupon of that campaign, else 0. One row for each household that a campaign addressed.
--
-- Leak rules
--   1. Every event enters by "date < start_date". The redemptions of the whole year would score a PR-AUC of 0.79 and are
--      worth nothing; coupon lines of the whole year score like an honest model, so the date guards this and not the score.
--   2. Dates are local: timestamps are UTC, the stores stand in New York. The offsets of 2017 are written out, because a
--      time zone function needs an extension that an offline machine cannot fetch. Campaign and redemption dates are local.
--   3. household_id is only ever joined, never compared with a literal or sorted by meaning: it may be a keyed pseudonym.
--      All tables must carry the same key; with two keys the history is empty and every count is 0.
--
-- Split (by campaign, so that no campaign is on two sides; labels mature when a campaign has ended)
--   excluded  starts before 2017-02-08 (no history yet), or ends after the data do (its label is cut off), or overlaps
--             the first test start of 2017-10-04 (its label is not known by then)
--   test      starts on or after 2017-10-04 and ends within the data
--   validate  ends after 2017-08-31 and before 2017-10-04; only for choosing settings, a refit uses it
--   train     ended by 2017-08-31
--
-- Columns: household_id, campaign_id, campaign_type, start_date, end_date, split; redeemed = target; baseline_redemptions =
-- the rule to beat, the number of past redemptions; the rest are features. Counts and money are ln(1 + x) and missing days
-- are 400 (longer than the data), both done here: the exported model then holds impute, scale and logistic only.
WITH
campaign AS (
    SELECT campaign_id, campaign_type, start_date::date AS start_date, end_date::date AS end_date
    FROM campaign_descriptions
),
couponed AS (
    -- Several coupons of a campaign cover the same product: without DISTINCT its spend would count once per coupon.
    SELECT DISTINCT campaign_id, product_id FROM coupons
),
offered AS (
    SELECT campaign_id, count(DISTINCT coupon_upc)::double AS coupons, count(DISTINCT product_id)::double AS products
    FROM coupons
    GROUP BY campaign_id
),
pair AS (
    SELECT household_id, campaign_id, campaign_type, start_date, end_date
    FROM campaigns JOIN campaign USING (campaign_id)
),
line AS (
    -- Money as decimal: sums of floats in parallel differ in their last digits from run to run, and with them every model.
    SELECT household_id, product_id, basket_id, coupon_disc,
           sales_value::decimal(18, 2) AS sales_value, retail_disc::decimal(18, 2) AS retail_disc,
           (transaction_timestamp - CASE WHEN transaction_timestamp >= TIMESTAMP '2017-03-12 07:00:00'
                                          AND transaction_timestamp < TIMESTAMP '2017-11-05 06:00:00'
                                         THEN INTERVAL 4 HOUR ELSE INTERVAL 5 HOUR END)::date AS date
    FROM transactions SEMI JOIN campaigns USING (household_id)
),
shopping_day AS (
    SELECT household_id, date,
           sum(sales_value)::decimal(18, 2) AS spend, sum(retail_disc)::decimal(18, 2) AS discount,
           count(*) FILTER (WHERE coupon_disc > 0)::double AS coupon_lines,
           count(DISTINCT basket_id)::double AS baskets, count(*)::double AS lines
    FROM line
    GROUP BY household_id, date
),
history AS (
    SELECT household_id, campaign_id,
           min(date_diff('day', date, start_date)) AS days_since_visit,
           max(date_diff('day', date, start_date)) AS days_known,
           sum(spend)::double AS spend_all, sum(discount)::double AS discount_all, count(*) AS days_all,
           sum(baskets) AS baskets_all, sum(lines) AS lines_all, sum(coupon_lines) AS coupon_lines_all,
           (sum(spend) FILTER (WHERE date >= start_date - 91))::double AS spend_91,
           (sum(discount) FILTER (WHERE date >= start_date - 91))::double AS discount_91,
           count(*) FILTER (WHERE date >= start_date - 91) AS days_91,
           sum(baskets) FILTER (WHERE date >= start_date - 91) AS baskets_91,
           sum(lines) FILTER (WHERE date >= start_date - 91) AS lines_91,
           sum(coupon_lines) FILTER (WHERE date >= start_date - 91) AS coupon_lines_91,
           (sum(spend) FILTER (WHERE date >= start_date - 28))::double AS spend_28,
           count(*) FILTER (WHERE date >= start_date - 28) AS days_28,
           sum(baskets) FILTER (WHERE date >= start_date - 28) AS baskets_28,
           sum(lines) FILTER (WHERE date >= start_date - 28) AS lines_28
    FROM pair JOIN shopping_day USING (household_id)
    WHERE date < start_date
    GROUP BY household_id, campaign_id
),
redeemed_before AS (
    SELECT pair.household_id, pair.campaign_id,
           count(*)::double AS redemptions, count(DISTINCT past.campaign_id)::double AS campaigns_redeemed,
           min(date_diff('day', past.redemption_date::date, start_date)) AS days_since_redemption
    FROM pair JOIN coupon_redemptions past ON past.household_id = pair.household_id
    WHERE past.redemption_date::date < start_date
    GROUP BY pair.household_id, pair.campaign_id
),
addressed_before AS (
    -- Campaigns that reached the household earlier; one that is still open competes with this one.
    SELECT pair.household_id, pair.campaign_id,
           count(*)::double AS campaigns, count(*) FILTER (WHERE earlier.campaign_type = 'Type A')::double AS campaigns_a,
           count(*) FILTER (WHERE earlier.end_date >= pair.start_date)::double AS campaigns_open
    FROM pair JOIN pair earlier ON earlier.household_id = pair.household_id
    WHERE earlier.start_date < pair.start_date
    GROUP BY pair.household_id, pair.campaign_id
),
affinity AS (
    -- What the household bought in the last 91 days of the products that this campaign has coupons for.
    SELECT household_id, campaign_id,
           sum(sales_value)::double AS spend, count(*)::double AS lines, count(DISTINCT product_id)::double AS products
    FROM pair JOIN line USING (household_id) JOIN couponed USING (campaign_id, product_id)
    WHERE date < start_date AND date >= start_date - 91
    GROUP BY household_id, campaign_id
),
answer AS (
    SELECT DISTINCT household_id, campaign_id FROM coupon_redemptions
)
SELECT household_id, campaign_id, campaign_type, start_date, end_date,
       CASE WHEN start_date < DATE '2017-02-08' OR end_date > DATE '2017-12-31' THEN 'excluded'
            WHEN start_date >= DATE '2017-10-04' THEN 'test'
            WHEN end_date >= DATE '2017-10-04' THEN 'excluded'
            WHEN end_date > DATE '2017-08-31' THEN 'validate'
            ELSE 'train' END AS split,
       (answer.household_id IS NOT NULL)::int AS redeemed,
       coalesce(redemptions, 0) AS baseline_redemptions,
       -- recency, frequency, money
       coalesce(days_since_visit, 400)::double AS days_since_visit,
       coalesce(days_known, 0)::double AS days_known,
       ln(1 + coalesce(spend_all, 0)) AS spend_all, ln(1 + coalesce(spend_91, 0)) AS spend_91,
       ln(1 + coalesce(spend_28, 0)) AS spend_28,
       ln(1 + coalesce(days_all, 0)) AS days_all, ln(1 + coalesce(days_91, 0)) AS days_91,
       ln(1 + coalesce(days_28, 0)) AS days_28,
       ln(1 + coalesce(baskets_all, 0)) AS baskets_all, ln(1 + coalesce(baskets_91, 0)) AS baskets_91,
       ln(1 + coalesce(baskets_28, 0)) AS baskets_28,
       ln(1 + coalesce(lines_all, 0)) AS lines_all, ln(1 + coalesce(lines_91, 0)) AS lines_91,
       ln(1 + coalesce(lines_28, 0)) AS lines_28,
       ln(1 + coalesce(spend_91 / nullif(baskets_91, 0), 0)) AS basket_size_91,
       coalesce(discount_all / nullif(spend_all + discount_all, 0), 0) AS discount_share_all,
       coalesce(discount_91 / nullif(spend_91 + discount_91, 0), 0) AS discount_share_91,
       ln(1 + coalesce(coupon_lines_all, 0)) AS coupon_lines_all,
       ln(1 + coalesce(coupon_lines_91, 0)) AS coupon_lines_91,
       -- past redemptions
       ln(1 + coalesce(redemptions, 0)) AS redemptions,
       ln(1 + coalesce(campaigns_redeemed, 0)) AS campaigns_redeemed,
       coalesce(days_since_redemption, 400)::double AS days_since_redemption,
       -- earlier campaigns
       ln(1 + coalesce(addressed_before.campaigns, 0)) AS campaigns_before,
       ln(1 + coalesce(campaigns_a, 0)) AS campaigns_a_before,
       ln(1 + coalesce(campaigns_open, 0)) AS campaigns_open,
       -- this campaign
       date_diff('day', start_date, end_date)::double AS duration_days,
       ln(1 + coalesce(offered.coupons, 0)) AS coupons_offered, ln(1 + coalesce(offered.products, 0)) AS products_offered,
       -- how well it fits the household
       ln(1 + coalesce(affinity.spend, 0)) AS affinity_spend, ln(1 + coalesce(affinity.lines, 0)) AS affinity_lines,
       ln(1 + coalesce(affinity.products, 0)) AS affinity_products
FROM pair
LEFT JOIN history USING (household_id, campaign_id)
LEFT JOIN redeemed_before USING (household_id, campaign_id)
LEFT JOIN addressed_before USING (household_id, campaign_id)
LEFT JOIN affinity USING (household_id, campaign_id)
LEFT JOIN offered USING (campaign_id)
LEFT JOIN answer USING (household_id, campaign_id)
ORDER BY start_date, campaign_id, household_id
