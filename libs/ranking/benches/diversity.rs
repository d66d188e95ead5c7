//! What the order of a whole feed costs: `cargo bench -p nova-ranking --bench diversity`.

use divan::Bencher;
use nova_domain::UserId;
use nova_ranking::{Diversity, diversify};
use uuid::Uuid;

const POSTS: u128 = 900;

fn main() {
    divan::main();
}

/// As many posts as the three sources give together, of so many authors.
#[divan::bench(args = [1, 3, 50, POSTS])]
fn of_900_posts(bencher: Bencher<'_, '_>, authors: u128) {
    let list: Vec<UserId> = (0..POSTS)
        .map(|n| UserId::new(Uuid::from_u128((n * n + n / 7) % authors)))
        .collect();
    bencher.bench(|| {
        diversify(
            divan::black_box(&list),
            list.len() / 2,
            Diversity::default(),
        )
    });
}
