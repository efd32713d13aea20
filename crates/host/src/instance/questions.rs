//! The instance's questions to the network that are no connections.

use super::*;

impl Instance {
    pub(super) fn ask(&mut self, query: QueryId, question: Query) {
        let network = Arc::clone(&self.network);
        self.questions.push(match question {
            Query::Message { destination, tpdu } => {
                Question::carry(&self.name, query, self.sender.clone(), (destination, tpdu), network)
            }
            other => Question::ask(&self.name, query, other, network),
        });
    }

    pub(super) fn poll_questions(&mut self, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        let mut index = 0;
        while let Some(question) = self.questions.get_mut(index) {
            let Poll::Ready(answer) = question.poll(cx) else {
                index += 1;
                continue;
            };
            progress = true;
            question.log(&answer);
            let query = question.id();
            self.questions.remove(index);
            let result = answer.map_err(|unanswered| unanswered.class);
            self.handle_input(Input::Query { query, result });
        }
        progress
    }
}
